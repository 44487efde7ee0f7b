"""`hygie generate fhir`, judged by others: the JSON schema of R4, and HAPI's validator where Java and Maven are."""

import json
import random
import subprocess

import jvm
import pytest
import zstandard
from jsonschema import Draft6Validator
from synthea import SHARED
from world import BINARY

SCHEMA = SHARED / "fhir/definitions-r4/fhir.schema.json.zst"
KINDS = 19


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A directory with 40 patients as NDJSON."""
    out = tmp_path_factory.mktemp("generated") / "patients"
    command = [BINARY, "generate", "fhir", "--patients", "40", "--until", "2026-06-30", "--out", out]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert len(list(out.glob("*.ndjson"))) == KINDS
    return out


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"{SCHEMA} is not here")
def test_a_sample_of_every_type_follows_the_json_schema_of_r4(lines):
    with zstandard.open(SCHEMA, "rt", encoding="utf-8") as packed:
        schema = json.load(packed)
    chance = random.Random(1)
    for file in sorted(lines.glob("*.ndjson")):
        # The schema of the type alone: the union of all types says nothing about where it fails.
        validator = Draft6Validator({"$ref": f"#/definitions/{file.stem}", "definitions": schema["definitions"]})
        resources = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for resource in chance.sample(resources, min(len(resources), 60)):
            assert resource["resourceType"] == file.stem
            assert [error.message for error in validator.iter_errors(resource)] == [], resource
        broken = {**resources[0], "nothing": 1}
        assert list(validator.iter_errors(broken)), "the schema refuses something"


@pytest.mark.skipif(not jvm.IS_THERE, reason="Java and Maven are not here")
def test_a_sample_of_every_type_satisfies_the_validator_of_hapi(lines, tmp_path):
    found = jvm.HAPI.run("Validate", lines, 60)
    assert [line for line in found if line.startswith("error")] == []
    assert len([line for line in found if line.startswith("judged")]) == KINDS
    wrong = tmp_path / "Composition.ndjson"
    composition = json.loads((lines / "Composition.ndjson").read_text(encoding="utf-8").splitlines()[0])
    composition["section"] = [{"title": "Nothing"}]
    wrong.write_text(json.dumps(composition), encoding="utf-8")
    assert any("cmp-1" in line for line in jvm.HAPI.run("Validate", tmp_path, 1))
