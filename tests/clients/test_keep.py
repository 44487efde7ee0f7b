"""How long a session stays in a real browser, by the setting of the tenant; and risk, by the directory API."""

import time

import pytest
from chromium import arrivals, sign_in
from test_cards import graph
from test_pages import authorize, check, person  # noqa: F401

COOKIE = "__Host-hygie-idp"


@pytest.fixture
def offered(world):
    path = "policies/sessionLifetimePolicy"
    assert graph(world, "PATCH", path, isStaySignedInOffered=True).status_code == 204
    yield
    assert graph(world, "PATCH", path, isStaySignedInOffered=False).status_code == 204


def expiry(person):
    return next(one["expires"] for one in person.context.cookies() if one["name"] == COOKIE)


def test_who_says_yes_stays_signed_in(world, person, offered):  # noqa: F811
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, world.user("nurse"))
        person.locator("main button[name=answer][value=yes]").wait_for()
        check(person, "stay signed in?")
        assert expiry(person) == -1, "until the browser closes"
        person.locator("main button[name=answer][value=yes]").click()
        assert "code" in listener.next(person)
        assert 3.9 * 3600 < expiry(person) - time.time() < 4.1 * 3600
        person.goto(authorize(world, listener.uri, state="again"))
        assert listener.next(person)["state"] == "again", "nobody is asked twice"
    assert not person.complaints


def test_who_says_no_is_signed_in_until_the_browser_closes(world, person, offered):  # noqa: F811
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, world.user("nurse"))
        person.locator("main button[name=answer][value=no]").click()
        assert "code" in listener.next(person)
        assert expiry(person) == -1


def test_an_account_is_said_to_be_compromised_and_dismissed(world):
    nurse = world.user("nurse")["oid"]
    risky = "identityProtection/riskyUsers"
    assert graph(world, "POST", f"{risky}/confirmCompromised", userIds=[nurse]).status_code == 204
    assert graph(world, "GET", f"{risky}/{nurse}").json()["riskState"] == "confirmedCompromised"
    assert graph(world, "POST", f"{risky}/dismiss", userIds=[nurse]).status_code == 204
    found = graph(world, "GET", f"{risky}?$filter=riskState eq 'dismissed'").json()["value"]
    assert [one["id"] for one in found] == [nurse]
