"""JSON Patch over HTTPS, judged by another implementation: the Python package jsonpatch makes the patches and applies them."""

import copy
import json
import random

import jsonpatch
import pytest
from people import identifier, outcome, patient

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def plain(resource):
    """A resource without what the server says of it."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    return {**rest, "meta": meta} if meta else rest


def changed(resource, draw):
    """The resource after some changes that leave it valid."""
    new = copy.deepcopy(resource)
    for _ in range(draw.randint(1, 5)):
        names, telecoms = new.setdefault("name", []), new.setdefault("telecom", [])
        match draw.randrange(7):
            case 0:
                names.insert(draw.randint(0, len(names)), {"text": str(draw.random()), "given": ["a/b", "m~n", "é"]})
            case 1 if len(names) > 1:
                names.pop(draw.randrange(len(names)))
            case 2:
                telecoms.append({"system": "phone", "rank": draw.randint(1, 9), "value": str(draw.random())})
            case 3:
                draw.shuffle(telecoms)
            case 4:
                new["birthDate"] = f"19{draw.randint(10, 99)}-01-02"
            case 5:
                new.pop("gender", None)
            case _:
                new["address"] = [{"line": [str(number) for number in range(draw.randint(1, 4))], "city": "Pau"}]
    return {key: value for key, value in new.items() if value != []}


@pytest.mark.parametrize("seed", range(12))
def test_patches_of_another_implementation_give_what_it_gives(world, seed):
    draw = random.Random(seed)
    there = world.call("POST", "Patient", app="fhir-contributor", json=patient()).json()
    for version in range(2, 6):
        patch = jsonpatch.make_patch(there, changed(there, draw))
        path = f"Patient/{there['id']}"
        answer = world.call("PATCH", path, app="fhir-writer", data=patch.to_string(), headers=JSON_PATCH)
        assert answer.status_code == 200, (patch.to_string(), answer.text)
        assert answer.headers["ETag"] == f'W/"{version}"'
        assert plain(answer.json()) == plain(patch.apply(there)), patch.to_string()
        there = answer.json()


def test_decimals_keep_their_digits(world):
    body = """{"resourceType": "Observation", "status": "final", "code": {"text": "Glycémie"},
        "valueQuantity": {"value": 5.400, "unit": "mmol/L"}, "component": [{"code": {"text": "a"}, "valueQuantity": {"value": 1.0e1}}]}"""
    there = world.call("POST", "Observation", app="fhir-writer", data=body.encode(), headers={"Content-Type": "application/fhir+json"})
    assert there.status_code == 201, there.text
    patch = """[{"op": "copy", "from": "/valueQuantity", "path": "/component/0/valueQuantity"},
        {"op": "replace", "path": "/valueQuantity/value", "value": 6.10}]"""
    answer = world.call("PATCH", f"Observation/{there.json()['id']}", app="fhir-writer", data=patch, headers=JSON_PATCH)
    assert answer.status_code == 200, answer.text
    assert '"value": 6.10' in answer.text or '"value":6.10' in answer.text
    assert "5.400" in answer.text and "1.0e1" not in answer.text


def test_a_failing_patch_changes_nothing(world):
    there = world.call("POST", "Patient", app="fhir-contributor", json=patient()).json()
    operations = [
        {"op": "replace", "path": "/gender", "value": "male"},
        {"op": "test", "path": "/birthDate", "value": "1900-01-01"},
    ]
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(there, operations)
    for path in (f"Patient/{there['id']}", f"Patient?identifier={identifier(there)}"):
        answer = world.call("PATCH", path, app="fhir-writer", data=json.dumps(operations), headers=JSON_PATCH)
        assert (answer.status_code, outcome(answer)) == (400, ["processing"]), answer.text
    assert world.call("GET", f"Patient/{there['id']}", app="fhir-reader").json() == there
