"""The FHIR client `fhir-kit-client`, with tokens of `@azure/identity`: both unmodified."""

from nodes import play, secret
from people import patient


def given(world, name):
    return {**secret(world, name), "scope": world.scope, "patient": patient()}


def test_a_client_of_others_reads_and_writes(world):
    seen = play(world, "fhir_kit", "readAndWrite", **given(world, "fhir-contributor"))
    made = seen["ids"][0]
    assert seen["fhirVersion"] == "4.0.1"
    assert seen["ids"] == [made] * 3
    assert seen["byGet"] == seen["byPost"] == [f"Patient/{made}"]
    assert seen["versions"] == ["1", "2", "1"]
    assert seen["history"] == ["2", "1"]
    assert [status[:3] for status in seen["transaction"]] == ["201", "201"]
    assert seen["included"] == ["Observation", "Patient"]
    assert seen["subject"] is True
    assert [status[:3] for status in seen["batch"]] == ["200", "404"]
    first, second = seen["pages"]
    assert (len(first), len(second), set(first) & set(second)) == (2, 2, set())
    assert seen["gone"]["status"] == 410
    assert seen["gone"]["issue"][0]["code"] == "deleted"


def test_a_reader_is_told_that_it_may_not_write(world):
    answer = play(world, "fhir_kit", "refused", **given(world, "fhir-reader"))
    assert answer["status"] == 403
    assert answer["data"]["resourceType"] == "OperationOutcome"
    assert answer["data"]["issue"][0]["code"] == "forbidden"
