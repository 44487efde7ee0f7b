"""`hygie load`: real bundles, twice; found by their own values; nothing in clear on the disk."""

import json
import re
from collections import Counter

import pytest
import synthea
from people import patient, total
from world import World


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A world with all transaction bundles loaded twice, and the bundles."""
    directory = tmp_path_factory.mktemp("synthea")
    bundles = synthea.unpack(directory / "bundles")
    world = World(directory)
    world.start()
    before = {kind: total(world, f"{kind}?_count=200") for kind in ("Patient", "Encounter", "Observation")}
    runs = [world.run("load", world.fhir, directory / "bundles", "--data", world.data, timeout=1800) for _ in range(2)]
    yield world, bundles, before, runs
    if world.is_running():
        world.kill()


@synthea.needed
def test_every_bundle_loads_and_a_second_time_changes_nothing(loaded):
    world, bundles, before, runs = loaded
    for run in runs:
        assert run.returncode == 0, run.stderr[-4000:] + run.stdout[-1000:]
    kinds = Counter(entry["resource"]["resourceType"] for bundle in bundles for entry in bundle["entry"])
    for kind, there in before.items():
        assert total(world, f"{kind}?_count=200") == there + kinds[kind], kind


@synthea.needed
def test_each_patient_is_found_by_its_own_values(loaded):
    world, bundles, _, _ = loaded
    patients = synthea.resources(bundles, "Patient")
    assert len(patients) == 60
    for resource in patients:
        name, first = resource["name"][0], resource["identifier"][0]
        for query in (
            {"identifier": f"{first['system']}|{first['value']}"},
            {"family": name["family"], "given": name["given"][0], "birthdate": resource["birthDate"]},
        ):
            answer = world.call("GET", "Patient", app="fhir-reader", params=query)
            assert answer.status_code == 200, answer.text
            found = [entry["resource"] for entry in answer.json().get("entry", [])]
            values = [one["identifier"][0]["value"] for one in found]
            assert first["value"] in values, (query, values)
            if "identifier" in query:
                assert len(found) == 1
                assert found[0]["name"] == resource["name"]


@synthea.needed
def test_observations_are_found_by_patient_code_and_date(loaded):
    world, bundles, _, _ = loaded
    for bundle in bundles[:10]:
        observations = synthea.resources([bundle], "Observation")
        subject = synthea.resources([bundle], "Patient")[0]
        first = subject["identifier"][0]
        [found] = world.call(
            "GET", "Patient", app="fhir-reader", params={"identifier": f"{first['system']}|{first['value']}"}
        ).json()["entry"]
        patient_id = found["resource"]["id"]
        codes = Counter(o["code"]["coding"][0]["code"] for o in observations)
        assert total(world, f"Observation?patient={patient_id}&_count=100") == len(observations)
        for code, count in list(codes.items())[:3]:
            assert total(world, f"Observation?patient={patient_id}&code=http://loinc.org|{code}&_count=100") == count
            latest = max(o["effectiveDateTime"] for o in observations if o["code"]["coding"][0]["code"] == code)
            answer = world.call(
                "GET", f"Observation?patient={patient_id}&code={code}&_sort=-date&_count=1", app="fhir-reader"
            ).json()
            assert answer["entry"][0]["resource"]["effectiveDateTime"] == latest


@synthea.needed
def test_nothing_of_it_is_in_clear_on_the_disk(loaded):
    world, bundles, _, _ = loaded
    families = {r["name"][0]["family"] for r in synthea.resources(bundles, "Patient")}
    streets = {r["address"][0]["line"][0] for r in synthea.resources(bundles, "Patient")}
    values = {r["identifier"][0]["value"] for r in synthea.resources(bundles, "Patient")}
    assert_hidden(world, families | streets | values)


def test_a_small_load_and_its_traces(own_world, tmp_path):
    """Without the shared data: bundles of our own, twice; and nothing of them in clear."""
    world = own_world
    people = [patient() for _ in range(25)]
    for number, body in enumerate(people):
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": f"urn:uuid:5f0c0a5e-0000-4000-8000-{number:012}",
                    "resource": body,
                    "request": {"method": "POST", "url": "Patient"},
                }
            ],
        }
        (tmp_path / "bundles").mkdir(exist_ok=True)
        (tmp_path / f"bundles/{number}.json").write_text(json.dumps(bundle))
    before = total(world, "Patient?_count=200")
    for _ in range(2):
        run = world.run("load", world.fhir, tmp_path / "bundles", "--data", world.data)
        assert run.returncode == 0, run.stderr
        assert total(world, "Patient?_count=200") == before + len(people)
    for body in people[:5]:
        assert total(world, f"Patient?family={body['name'][0]['family']}") == 1
        assert total(world, f"Patient?family=nobody-{body['name'][0]['family']}") == 0
    assert_hidden(world, {body["name"][0]["family"] for body in people})


def assert_hidden(world, words):
    """No file of the data directory and no log holds one of the words, nor a secret or token that was used."""
    assert len(words) > 10
    assert world.stop() == 0
    secrets = {app["client_secret"] for app in world.tenant["apps"] if app["client_secret"]}
    secrets |= {user["password"] for user in world.tenant["users"]} | set(world.tokens.values())
    patterns = [re.compile(b"|".join(re.escape(w.encode(c)) for w in words if len(w) > 4)) for c in ("utf-8", "utf-16-le")]
    secret = re.compile(b"|".join(re.escape(word.encode()) for word in secrets))
    seen = 0
    for file in [world.log, *(path for path in world.data.rglob("*") if path.is_file())]:
        content = file.read_bytes()
        seen += len(content)
        for pattern in patterns:
            assert not pattern.search(content), f"{file} holds {pattern.search(content).group()!r}"
        if file.name == "demo.json":
            # The one place where the secrets of the demo are told: the search itself is proved on it.
            assert secret.search(content) and file.stat().st_mode & 0o077 == 0
        elif file != world.log:
            assert not secret.search(content), f"{file} holds a secret"
    assert seen > 100_000
    tokens = re.compile(b"|".join(re.escape(token.encode()) for token in world.tokens.values()))
    assert not tokens.search(world.log.read_bytes())
    assert world.data.stat().st_mode & 0o077 == 0
