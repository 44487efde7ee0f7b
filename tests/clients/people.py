"""Patients that tests make: names that nothing else contains, and identifiers of their own."""

import uuid

SYSTEM = "urn:oid:1.2.250.1.213.1.4.8"


def patient(family=None, given="Célestine", birth="1957-03-14", **members):
    """A patient with an identifier of its own."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": uuid.uuid4().hex}],
        "name": [{"family": family or f"Quenneville{uuid.uuid4().hex[:8]}", "given": [given]}],
        "gender": "female",
        "birthDate": birth,
        **members,
    }


def identifier(resource):
    """`system|value` of its first identifier, as a search takes it."""
    first = resource["identifier"][0]
    return f"{first['system']}|{first['value']}"


def outcome(answer):
    """Checks that an answer is an OperationOutcome which says why; gives its codes."""
    assert answer.headers["Content-Type"].startswith("application/fhir+json"), answer.headers
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    assert body["issue"], body
    for issue in body["issue"]:
        assert issue["severity"] in ("fatal", "error", "warning", "information"), body
        assert issue.get("diagnostics") or issue.get("details", {}).get("text"), body
    return [issue["code"] for issue in body["issue"]]


def total(world, query, app="fhir-reader"):
    """How many resources a search finds, counted on its pages."""
    found, url = 0, query
    while url:
        answer = world.call("GET", url, app=app)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        found += sum(entry.get("search", {}).get("mode") != "include" for entry in bundle.get("entry", []))
        url = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
    return found
