"""Each role against each interaction that exists, over HTTPS, exactly as the golden matrix of `access` says."""

import pytest
from people import identifier, outcome, patient
from world import REPOSITORY

MATRIX = REPOSITORY / "crates/access/tests/it/golden/roles-documented.txt"
COLUMNS = {
    "Reader": "fhir-reader",
    "Writer": "fhir-writer",
    "Exporter": "fhir-exporter",
    "Importer": "fhir-importer",
    "Contributor": "fhir-contributor",
    "Converter": "fhir-converter",
    "SMART User": "fhir-smart",
}


def make(world):
    """A patient that is there, with its version."""
    answer = world.call("POST", "Patient", app="fhir-contributor", json=patient())
    assert answer.status_code == 201, answer.text
    return answer.json()


def update(world, app):
    there = make(world)
    return world.call("PUT", f"Patient/{there['id']}", app=app, json={**there, "gender": "unknown"})


def create_if_none(world, app):
    body = patient()
    return world.call("POST", "Patient", app=app, json=body, headers={"If-None-Exist": f"identifier={identifier(body)}"})


def patch(world, app):
    body = [{"op": "add", "path": "/gender", "value": "unknown"}]
    headers = {"Content-Type": "application/json-patch+json"}
    return world.call("PATCH", f"Patient/{make(world)['id']}", app=app, json=body, headers=headers)


def patch_if(world, app):
    there = make(world)
    operation = [
        {"name": "type", "valueCode": "upsert"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "gender"},
        {"name": "value", "valueCode": "unknown"},
    ]
    body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}]}
    return world.call("PATCH", f"Patient?identifier={identifier(there)}", app=app, json=body)


def update_if(world, app):
    there = make(world)
    return world.call("PUT", f"Patient?identifier={identifier(there)}", app=app, json={**there, "gender": "unknown"})


def delete_if(world, app):
    return world.call("DELETE", f"Patient?identifier={identifier(make(world))}", app=app)


def vread(world, app):
    there = make(world)
    return world.call("GET", f"Patient/{there['id']}/_history/{there['meta']['versionId']}", app=app)


def batch(world, app):
    body = {"resourceType": "Bundle", "type": "batch", "entry": []}
    return world.call("POST", "", app=app, json=body)


# The interactions of this slice, by their line in the matrix.
INTERACTIONS = {
    "read": lambda world, app: world.call("GET", f"Patient/{make(world)['id']}", app=app),
    "vread": vread,
    "history-instance": lambda world, app: world.call("GET", f"Patient/{make(world)['id']}/_history", app=app),
    "history-type": lambda world, app: world.call("GET", "Patient/_history?_count=1", app=app),
    "history-system": lambda world, app: world.call("GET", "_history?_count=1", app=app),
    "search-type": lambda world, app: world.call("GET", "Patient?_count=1", app=app),
    "create": lambda world, app: world.call("POST", "Patient", app=app, json=patient()),
    "create, conditional": create_if_none,
    "update": update,
    "update, conditional": update_if,
    "patch": patch,
    "patch, conditional": patch_if,
    "delete, conditional": delete_if,
    "delete": lambda world, app: world.call("DELETE", f"Patient/{make(world)['id']}", app=app),
    "batch or transaction": batch,
}
# Not built yet: the protocol's "not supported" to everybody who has a token.
NOT_BUILT = {
    "$export": ("GET", "$export"),
    "$import": ("POST", "$import"),
    "$convert-data": ("POST", "$convert-data"),
    "$reindex": ("POST", "$reindex"),
    "$validate": ("POST", "Patient/$validate"),
}


def matrix():
    """(interaction, application, what the matrix says)."""
    heading, *lines = MATRIX.read_text().splitlines()
    starts = {role: heading.index(f" {role}") + 1 for role in COLUMNS}
    for line in lines:
        interaction = line[: min(starts.values())].strip()
        for role, start in starts.items():
            yield interaction, COLUMNS[role], line[start:].split("  ")[0].strip()


CASES = [case for case in matrix() if case[0] in INTERACTIONS]


def test_the_matrix_has_every_interaction_and_role():
    assert len(CASES) == len(INTERACTIONS) * len(COLUMNS)
    assert {said for _, _, said in CASES} == {"yes", "-", "scopes"}
    assert {interaction for interaction, _, _ in matrix()} >= NOT_BUILT.keys()


def test_each_application_has_its_role(world):
    for role, app in COLUMNS.items():
        assert world.role_of(app) == ("FHIR SMART User" if role == "SMART User" else f"FHIR Data {role}")
    assert world.role_of("no-role") is None


@pytest.mark.parametrize(("interaction", "app", "said"), CASES)
def test_allowed_and_refused_as_the_matrix_says(world, interaction, app, said):
    answer = INTERACTIONS[interaction](world, app)
    # An application has no SMART scopes: there "scopes" means refused.
    if said == "yes":
        assert answer.status_code in (200, 201, 204), answer.text
    else:
        assert answer.status_code == 403, answer.text
        assert outcome(answer) == ["forbidden"]


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_without_a_role_everything_is_refused(world, interaction):
    answer = INTERACTIONS[interaction](world, "no-role")
    assert answer.status_code == 403, answer.text
    assert outcome(answer) == ["forbidden"]


def test_each_entry_of_a_batch_is_decided_for_itself(world):
    there = make(world)
    entries = [
        {"request": {"method": "GET", "url": f"Patient/{there['id']}"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": patient()},
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = world.call("POST", "", app="fhir-reader", json=bundle)
    assert answer.status_code == 200, answer.text
    statuses = [entry["response"]["status"][:3] for entry in answer.json()["entry"]]
    assert statuses == ["200", "403"]


def test_a_transaction_with_a_refused_entry_does_nothing(world):
    body = patient()
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "POST", "url": "Patient"}, "resource": body}],
    }
    answer = world.call("POST", "", app="fhir-reader", json=bundle)
    assert answer.status_code == 403, answer.text
    found = world.call("GET", "Patient", app="fhir-reader", params={"identifier": identifier(body)}).json()
    assert found.get("entry", []) == []


@pytest.mark.parametrize("name", NOT_BUILT)
def test_what_is_not_built_is_not_supported_for_everybody(world, name):
    method, path = NOT_BUILT[name]
    body = {"json": {"resourceType": "Parameters"}} if method == "POST" else {}
    assert world.call(method, path, **body).status_code == 401
    answers = {app: world.call(method, path, app=app, **body) for app in ("no-role", "fhir-contributor")}
    for app, answer in answers.items():
        assert answer.status_code in (400, 404, 405, 501), (app, answer.text)
        assert set(outcome(answer)) <= {"not-supported", "not-found"}, answer.text
    assert len({answer.status_code for answer in answers.values()}) == 1


def test_a_refusal_gives_no_hint_of_what_exists(world):
    there = make(world)
    known = world.call("GET", f"Patient/{there['id']}", app="no-role")
    unknown = world.call("GET", "Patient/nobody", app="no-role")
    assert (known.status_code, unknown.status_code) == (403, 403)
    assert known.json()["issue"] == unknown.json()["issue"]


def test_the_metadata_needs_no_token(world):
    answer = world.call("GET", "metadata")
    assert answer.status_code == 200
    assert answer.json()["resourceType"] == "CapabilityStatement"
