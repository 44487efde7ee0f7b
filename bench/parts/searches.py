"""The searches of the design, of each kind many that find something."""

import datetime
from collections import Counter
from urllib.parse import quote

from .world import Failed

# Different searches of a kind.
MOST = 300


def searches(sample):
    """Paths by the name of their kind, without `_count`."""
    observed = list(sample.observed())[:MOST]
    if not observed or not sample.codes:
        raise Failed("no observation has a patient, a code and a date")
    by_code = [(quote(code), date) for _, code, date in observed if code in sample.codes]
    names = Counter(name["family"] for one in sample.patients for name in one.get("name", []) if "family" in name)
    families = [quote(family) for family in sorted(names)[:MOST]]
    codes = [quote(code) for code in sample.codes]
    known = [quote(number) for number in map(identifier_of, sample.patients[:MOST]) if number]
    return {
        "Patient by token, sorted": [
            f"Patient?gender={gender}&_sort={sort}" for gender in ("female", "male") for sort in ("birthdate", "-birthdate")
        ],
        "Observation by code, newest first": [f"Observation?code={code}&_sort=-date" for code in codes],
        "patient + code": [f"Observation?patient={who}&code={quote(code)}" for who, code, _ in observed],
        "patient + date range": [f"Observation?patient={who}&{around(date, 400)}" for who, _, date in observed],
        "code + date range": [f"Observation?code={code}&{around(date, 90)}" for code, date in by_code],
        "name prefix": [f"Patient?family={quote(family[:3])}" for family in sorted(names)[:MOST]],
        "chained: code, patient's identifier": [
            f"Observation?code={codes[at % len(codes)]}&patient.identifier={number}" for at, number in enumerate(known)
        ],
        "chained: code, patient's family name": [
            f"Observation?code={codes[at % len(codes)]}&patient.family:exact={family}" for at, family in enumerate(families)
        ],
        "_has: name, an observation's code": [
            f"Patient?family:exact={family}&_has:Observation:patient:code={codes[at % len(codes)]}"
            for at, family in enumerate(families)
        ],
        "_has: an observation's code": [f"Patient?_has:Observation:patient:code={code}" for code in codes],
        "_include: patient and encounter": [
            f"Observation?patient={who}&code={quote(code)}&_include=Observation:patient&_include=Observation:encounter"
            for who, code, _ in observed
        ],
        "_revinclude: observations": [f"Encounter?patient={who}&_revinclude=Observation:encounter" for who, _, _ in observed],
    }


def around(date, days):
    """Criteria for a range that begins so many days before a date."""
    day = datetime.date.fromisoformat(date)
    return f"date=ge{day - datetime.timedelta(days)}&date=le{day}"


def identifier_of(patient):
    """Its first identifier as a search value."""
    first = (patient.get("identifier") or [{}])[0]
    return f"{first['system']}|{first['value']}" if "system" in first and "value" in first else None
