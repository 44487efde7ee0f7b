"""Bad input over the wire: the protocol's own error with a reason, nothing stored, nothing dies."""

import json

import pytest
import requests
from people import SYSTEM, identifier, outcome, patient, total
from world import FHIR_JSON


def post(world, body, path="Patient", kind=FHIR_JSON):
    return world.call("POST", path, app="fhir-writer", data=body, headers={"Content-Type": kind})


def deep(depth):
    return b'{"resourceType":"Patient","extension":' + b'[{"extension":' * depth + b"1" + b"}]" * depth + b"}"


BODIES = {
    "empty": b"",
    "malformed": b'{"resourceType":"Patient",',
    "trailing": json.dumps(patient()).encode() + b" x",
    "two documents": b'{"resourceType":"Patient"}{"resourceType":"Patient"}',
    "an array": b"[]",
    "a string": b'"Patient"',
    "no type": b'{"id":"a"}',
    "another type": b'{"resourceType":"Observation","status":"final","code":{"text":"x"}}',
    "an unknown type": b'{"resourceType":"Wizard"}',
    "type of a wrong type": b'{"resourceType":7}',
    "deep": deep(5_000),
    "deep arrays": b'{"resourceType":"Patient","name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "invalid UTF-8": b'{"resourceType":"Patient","name":[{"family":"\xff\xfe"}]}',
    "a lone surrogate": b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
    "a member twice": b'{"resourceType":"Patient","gender":"male","gender":"female"}',
    "wrong type: text for a list": b'{"resourceType":"Patient","name":"Dupont"}',
    "wrong type: number for text": b'{"resourceType":"Patient","name":[{"family":12}]}',
    "wrong type: object for a date": b'{"resourceType":"Patient","birthDate":{}}',
    "no date": b'{"resourceType":"Patient","birthDate":"yesterday"}',
    "a day that does not exist": b'{"resourceType":"Patient","birthDate":"2023-02-30"}',
    "an unknown member": b'{"resourceType":"Patient","wand":"oak"}',
    "a boolean as text": b'{"resourceType":"Patient","active":"true"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body(world, name):
    before = total(world, "Patient?_count=200")
    answer = post(world, BODIES[name])
    assert answer.status_code in (400, 422), (answer.status_code, answer.text)
    assert set(outcome(answer)) <= {"invalid", "structure", "required", "value", "invariant", "not-supported"}
    assert total(world, "Patient?_count=200") == before


def test_fifty_megabytes(world):
    body = json.dumps(patient(family="x" * 50_000_000)).encode()
    try:
        answer = post(world, body)
    except requests.ConnectionError:
        pytest.fail("the connection was cut without an answer")
    assert answer.status_code == 413, answer.status_code
    outcome(answer)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "a b c"])
def test_a_content_type(world, kind):
    body = patient()
    answer = post(world, json.dumps(body).encode(), kind=kind)
    assert answer.status_code == 415, (answer.status_code, answer.text)
    outcome(answer)
    found = world.call("GET", "Patient", app="fhir-reader", params={"identifier": identifier(body)}).json()
    assert found.get("entry", []) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Wizard/1", 404),
        ("GET", "Wizard?name=x", 404),
        ("GET", "patient/1", 404),
        ("GET", "Patient/nobody", 404),
        ("GET", "Patient/no%20body", 404),
        ("GET", "Patient/%00", 404),
        ("GET", f"Patient/{'x' * 65}", 404),
        ("GET", "Patient/nobody/_history/1", 404),
        ("GET", "Patient/nobody/_history", 404),
        ("TRACE", "Patient", 405),
        ("PROPFIND", "Patient", 405),
    ],
)
def test_an_address(world, method, path, status):
    answer = world.call(method, path, app="fhir-contributor")
    assert answer.status_code == status, (answer.status_code, answer.text)


@pytest.mark.parametrize(
    "query",
    [
        "birthdate=yesterday",
        "birthdate=2023-02-30",
        "birthdate=zz2023",
        "_count=-1",
        "_count=many",
        "_sort=wand",
        "name:wand=x",
        "_id=" + "a," * 3_000,
        "ct=forged",
    ],
)
def test_a_search_under_strict_handling(world, query):
    answer = world.call("GET", f"Patient?{query}", app="fhir-reader", headers={"Prefer": "handling=strict"})
    assert answer.status_code in (400, 414), (answer.status_code, answer.text[:300])
    outcome(answer)


def test_an_unknown_parameter_is_lenient_with_a_warning_and_strict_with_an_error(world):
    lenient = world.call("GET", "Patient?wand=oak&_count=1", app="fhir-reader")
    assert lenient.status_code == 200
    modes = [entry.get("search", {}).get("mode") for entry in lenient.json().get("entry", [])]
    assert "outcome" in modes, lenient.text
    strict = world.call("GET", "Patient?wand=oak", app="fhir-reader", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    outcome(strict)


def test_an_unknown_parameter_in_a_conditional_write_is_refused(world):
    body = patient()
    answer = world.call("POST", "Patient", app="fhir-writer", json=body, headers={"If-None-Exist": "wand=oak"})
    assert answer.status_code in (400, 412), answer.text
    found = world.call("GET", "Patient", app="fhir-reader", params={"identifier": identifier(body)}).json()
    assert found.get("entry", []) == []


def test_an_old_version_is_not_overwritten(world):
    made = world.call("POST", "Patient", app="fhir-writer", json=patient()).json()
    path, version = f"Patient/{made['id']}", made["meta"]["versionId"]
    for expected in (200, 412):
        answer = world.call(
            "PUT", path, app="fhir-writer", json=made, headers={"If-Match": f'W/"{version}"'}
        )
        assert answer.status_code == expected, answer.text
    assert total(world, f"{path}/_history") == 2


def test_an_id_that_is_not_the_one_of_the_address(world):
    made = world.call("POST", "Patient", app="fhir-writer", json=patient()).json()
    answer = world.call("PUT", f"Patient/{made['id']}", app="fhir-writer", json={**made, "id": "another"})
    assert answer.status_code == 400, answer.text
    outcome(answer)


def entry(method, url, resource=None, **members):
    made = {"request": {"method": method, "url": url}, **members}
    return {**made, "resource": resource} if resource else made


BAD_BUNDLES = {
    "no type": {"resourceType": "Bundle", "entry": []},
    "a searchset": {"resourceType": "Bundle", "type": "searchset", "entry": []},
    "an entry without a request": {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": patient()}]},
    "an unknown method": {"resourceType": "Bundle", "type": "transaction", "entry": [entry("BREW", "Patient")]},
    "a fullUrl twice": {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry("POST", "Patient", patient(), fullUrl="urn:uuid:5f0c0a5e-0000-4000-8000-000000000001"),
            entry("POST", "Patient", patient(), fullUrl="urn:uuid:5f0c0a5e-0000-4000-8000-000000000001"),
        ],
    },
    "one bad entry among good ones": {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry("POST", "Patient", patient()), entry("POST", "Patient", patient(birth="yesterday"))],
    },
}


@pytest.mark.parametrize("name", BAD_BUNDLES)
def test_a_bundle_does_all_or_nothing(world, name):
    before = total(world, "Patient?_count=200")
    answer = world.call("POST", "", app="fhir-writer", json=BAD_BUNDLES[name])
    assert answer.status_code in (400, 404, 405, 412, 422), (answer.status_code, answer.text)
    outcome(answer)
    assert total(world, "Patient?_count=200") == before


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 900144),
        ({"grant_type": "magic"}, 70003),
        ({"grant_type": "client_credentials"}, 900144),
        ({"grant_type": "client_credentials", "client_id": "not-a-guid"}, 700016),
        ({"grant_type": "authorization_code", "code": "x" * 20_000}, None),
    ],
)
def test_a_token_request(world, form, code):
    answer = world.post_form(f"{world.authority}/oauth2/v2.0/token", **form)
    assert answer.status_code in (400, 401, 413), (answer.status_code, answer.text)
    body = answer.json()
    assert body["error"] and body["error_description"], body
    if code:
        assert code in body["error_codes"], body


def test_a_token_request_that_is_no_form(world):
    answer = requests.post(
        f"{world.authority}/oauth2/v2.0/token", data=b"\xff\x00{", verify=world.ca, timeout=30,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 415), answer.status_code
    assert answer.json()["error"] == "invalid_request"


def test_the_service_still_works_and_nothing_panicked(world):
    body = patient()
    made = world.call("POST", "Patient", app="fhir-writer", json=body)
    assert made.status_code == 201
    found = world.call("GET", "Patient", app="fhir-reader", params={"identifier": f"{SYSTEM}|{body['identifier'][0]['value']}"})
    assert [e["resource"]["id"] for e in found.json()["entry"]] == [made.json()["id"]]
    assert "panicked" not in world.logged()
