"""FHIRPath Patch over HTTPS, judged by HAPI's: both apply the same patches to the same resources."""

import json
import random
import subprocess
from collections import Counter

import jvm
import pytest
from patches import Patches, operation, parameters
from people import outcome, patient
from world import BINARY, FHIR_JSON

pytestmark = pytest.mark.skipif(not jvm.IS_THERE, reason="Java and Maven are not here")

# Why we refuse what the specification calls an error, and HAPI does, or takes for nothing to do.
STRICTER = ("the element is there already", "nothing stands at the path", "the path finds several elements", "value is missing")

# How HAPI's messages begin when they are no answer but an exception of Java, as when it deletes a decimal.
CRASHES = ("Cannot invoke ", "Can not set ")


PERSON = patient() | dict(
    name=[
        {"use": "official", "family": "Quenneville", "given": ["Agnès", "Zoé"]},
        {"use": "usual", "text": "A. 'Zoé' Q."},
    ],
    contact=[{"gender": "male", "telecom": [{"system": "phone", "value": "1"}]}],
    extension=[{"url": "http://ch.example/room", "valueString": "12"}, {"url": "http://ch.example/floor", "valueInteger": 3}],
    deceasedBoolean=False,
)
BIRTH_PLACE = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "1957-03-14T08:00:00Z"}]}


def index(number):
    return {"valueInteger": number}


def name(text):
    return {"valueString": text}


# What each operation of the specification does, and the ways to name an element.
APPLIED = [
    operation("add", "Patient", name=name("maritalStatus"), value={"valueCodeableConcept": {"text": "m"}}),
    operation("add", "Patient", name=name("multipleBirth"), value={"valueInteger": 2}),
    operation("add", "Patient", name=name("photo"), value={"valueAttachment": {"title": "p"}}),
    operation("add", "Patient.name[0]", name=name("given"), value={"valueString": "Ève"}),
    operation("add", "Patient.contact[0]", name=name("name"), value={"valueHumanName": {"text": "n"}}),
    operation(
        "add",
        "Patient",
        name=name("contact"),
        value={
            "part": [
                {"name": "name", "valueHumanName": {"text": "n"}},
                {"name": "telecom", "valueContactPoint": {"value": "2"}},
                {"name": "telecom", "valueContactPoint": {"value": "3"}},
            ]
        },
    ),
    operation("add", "Patient", name=name("extension"), value={"valueExtension": {"url": "http://ch.example/bed", "valueCode": "a"}}),
    operation("insert", "Patient.name", index=index(0), value={"valueHumanName": {"text": "first"}}),
    operation("insert", "Patient.name", index=index(2), value={"valueHumanName": {"text": "last"}}),
    operation("insert", "Patient.name[0].given", index=index(1), value={"valueString": "Ève"}),
    operation("insert", "Patient.address", index=index(0), value={"valueAddress": {"city": "Pau"}}),
    operation("delete", "Patient.birthDate"),
    operation("delete", "Patient.maritalStatus"),
    operation("delete", "Patient.name[1]"),
    operation("delete", "Patient.name.where(use = 'usual')"),
    operation("delete", "Patient.name[0].given[0]"),
    operation("delete", "Patient.contact[0].gender"),
    operation("delete", "Patient.extension.where(url = 'http://ch.example/room')"),
    operation("replace", "Patient.birthDate", value={"valueDate": "1957-03"}),
    operation("replace", "Patient.birthDate", value={"valueDate": "1957-03-15", "_valueDate": BIRTH_PLACE}),
    operation("replace", "Patient.deceased", value={"valueDateTime": "2020-02-03"}),
    operation("replace", "Patient.name.where(use = 'official').family", value={"valueString": "Fournier"}),
    operation("replace", "Patient.name.where(use = 'official' and family.exists()).use", value={"valueCode": "old"}),
    operation("replace", "Patient.name.where(text = 'A. \\'Zoé\\' Q.').use", value={"valueCode": "nickname"}),
    operation("delete", "Patient.name[0].given.where($this = 'Zoé')"),
    operation("replace", "Patient.name.skip(1).first().text", value={"valueString": "t"}),
    operation("replace", "Patient.name.last().text", value={"valueString": "t"}),
    operation("replace", "Patient.name.where(given.empty()).text", value={"valueString": "t"}),
    operation("replace", "Patient.contact.telecom.where(system = 'phone').value", value={"valueString": "9"}),
    operation("replace", "Patient.extension('http://ch.example/floor').value", value={"valueInteger": 4}),
    operation("move", "Patient.name", source=index(0), destination=index(1)),
    operation("move", "Patient.name[0].given", source=index(1), destination=index(0)),
    operation("move", "Patient.extension", source=index(1), destination=index(1)),
]

# What is no patch, or none of that patient.
REFUSED = [
    operation("spam", "Patient"),
    operation("add", "Patient", name=name("nothing"), value={"valueString": "x"}),
    operation("insert", "Patient.name", index=index(3), value={"valueHumanName": {"text": "x"}}),
    operation("insert", "Patient.name", value={"valueHumanName": {"text": "x"}}),
    operation("move", "Patient.name", source=index(2), destination=index(0)),
    operation("move", "Patient.name", source=index(0), destination=index(2)),
    operation("replace", "Patient.name.where(", value={"valueHumanName": {"text": "x"}}),
]

# What the specification calls an error, and HAPI does not.
REFUSED_BY_US = [
    operation("add", "Patient", name=name("birthDate"), value={"valueDate": "1957"}),
    operation("add", "Patient", name=name("maritalStatus")),
    operation("add", "Patient.photo", name=name("title"), value={"valueString": "t"}),
    operation("delete", "Patient.name"),
    operation("replace", "Patient.name.where(use = 'old').text", value={"valueString": "t"}),
]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The resources of some patients, by type."""
    out = tmp_path_factory.mktemp("generated") / "patients"
    command = [BINARY, "generate", "fhir", "--patients", "12", "--until", "2026-06-30", "--out", out]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    files = sorted(out.glob("*.ndjson"))
    return {file.stem: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] for file in files}


def created(world, resource):
    answer = world.call("POST", resource["resourceType"], app="fhir-contributor", json=resource)
    assert answer.status_code == 201, answer.text
    return answer.json()


def patched(world, there, patch):
    """What a resource becomes, or why it stays."""
    path = f"{there['resourceType']}/{there['id']}"
    answer = world.call("PATCH", path, app="fhir-contributor", json=patch, headers={"Content-Type": FHIR_JSON})
    if answer.status_code == 200:
        return answer.json(), None
    assert answer.status_code == 400, answer.text
    outcome(answer)
    return None, answer.json()["issue"][0]["diagnostics"]


def judged(cases):
    """What HAPI makes of resources and patches, or why not."""
    given = "".join(f"{json.dumps(there)}\t{json.dumps(patch)}\n" for there, patch in cases)
    parts = [line.split("\t", 1) for line in jvm.HAPI.run("Patch", given=given)]
    assert len(parts) == len(cases)
    return [(json.loads(text), None) if what == "ok" else (None, text) for what, text in parts]


def plain(resource):
    return {name: value for name, value in resource.items() if name != "meta"}


def test_each_operation_gives_what_hapi_makes_of_it(world):
    expected = [(one, "same") for one in APPLIED] + [(one, "refused") for one in REFUSED] + [(one, "stricter") for one in REFUSED_BY_US]
    cases, answers = [], []
    for one, _ in expected:
        cases.append((created(world, PERSON), parameters(one)))
        answers.append(patched(world, *cases[-1]))
    found = zip(expected, answers, judged(cases), strict=True)
    assert [(one, mine, theirs) for (one, wanted), mine, theirs in found if verdict(mine, theirs) != wanted] == []


def test_drawn_patches_give_what_hapi_makes_of_them(world, generated):
    draw = random.Random(5)
    rows = jvm.HAPI.run("Elements", *generated)
    patches = Patches(rows, [one for some in generated.values() for one in some[:40]], draw)
    cases, answers = [], []
    for some in generated.values():
        for resource in draw.sample(some, min(len(some), 4)):
            # HAPI writes XHTML in its own way.
            there = created(world, {name: value for name, value in resource.items() if name != "text"})
            for _ in range(5):
                cases.append((there, patches.patch(there)))
                answers.append(patched(world, *cases[-1]))
                there = answers[-1][0] or there
    verdicts = Counter()
    for (there, patch), mine, theirs in zip(cases, answers, judged(cases), strict=True):
        verdicts[verdict(mine, theirs)] += 1
        assert verdict(mine, theirs) != "differs", explained(there, patch, mine, theirs)
    assert verdicts["same"] > 0.8 * len(cases), verdicts


def explained(there, patch, mine, theirs):
    """What a patch made of a resource here and there."""
    lines = [json.dumps(patch, ensure_ascii=False)]
    for name in sorted({*there, *(mine[0] or {}), *(theirs[0] or {})} - {"meta"}):
        was, ours, other = there.get(name), (mine[0] or {}).get(name), (theirs[0] or {}).get(name)
        if ours != other:
            lines += [f"{title} {name}: {json.dumps(value)}" for title, value in (("before", was), ("ours", ours), ("HAPI's", other))]
    return "\n".join([*lines, f"ours: {mine[1]}", f"HAPI's: {theirs[1]}"])


def verdict(mine, theirs):
    """Whether both did the same."""
    (became, refused), (would_become, failed) = mine, theirs
    if became and would_become:
        return "same" if plain(became) == plain(would_become) else "differs"
    if refused and not refused.startswith("operation "):
        # It was patched, and is no resource any more: HAPI's patch does not look at that.
        return "invalid"
    if refused and failed:
        return "refused"
    if refused and any(reason in refused for reason in STRICTER):
        return "stricter"
    return "crash" if failed and failed.startswith(CRASHES) else "differs"
