"""The guide of Pro Santé Connect from end to end in a real Chromium: the strength FA01 and the policies AC01 and AC02 of an
establishment, in the demo world."""

import pytest
from chromium import arrivals, sign_in
from test_cards import CardReader, payload, psc, redeem
from test_consent import directory
from test_pages import check, complain
from test_sessions import at, made

HOUR = 3600


@pytest.fixture
def doctor(own_world, playwright, tmp_path):
    """A page of a browser with the doctor's card in its reader, in a world that nobody else uses."""
    with CardReader(playwright, own_world, tmp_path / "home", own_world.user("doctor")["card"]) as chromium:
        page = chromium.browser.new_page()
        page.complaints = []
        page.on("console", lambda message: complain(page, message))
        yield page


def show_card(page):
    page.locator("button[name=way][value=certificate]").click()
    page.locator("main a.button.primary").click()


def names(entry):
    """What became of the policies for Pro Santé Connect in an entry of the log of sign-ins."""
    return {policy["displayName"][:4]: policy["result"] for policy in entry["appliedConditionalAccessPolicies"]}


def sign_ins(world, upn):
    """The log of the sign-ins of a person to Pro Santé Connect, the newest first."""
    app = world.app("PSC_BAS")["client_id"]
    asked = f"auditLogs/signIns?$filter=userPrincipalName eq '{upn}' and appId eq '{app}'"
    return made(directory(world, "GET", asked))["value"]


def test_both_policies_are_met_in_one_sign_in_and_four_hours_later(own_world, doctor):
    world, page, upn = own_world, doctor, own_world.user("doctor")["upn"]
    # Sessions of the establishment last longer than what Pro Santé Connect allows.
    longer = {"maximumLifetimeInMinutes": 720, "inactivityTimeoutInMinutes": 720}
    made(directory(world, "PATCH", "policies/sessionLifetimePolicy", json=longer))
    with arrivals() as listener:
        # FA01: the card is two factors. AC01: the terms are read and accepted.
        page.goto(psc(world, listener.uri))
        show_card(page)
        page.locator("main button[value=accept]").wait_for()
        check(page, "psc-terms")
        pdf = page.locator("main a[href*='/terms/']").first.get_attribute("href")
        opened = page.evaluate("async at => { const got = await fetch(at); return await got.text(); }", pdf)
        assert opened.startswith("%PDF-")
        page.locator("main button[value=accept]").click()
        tokens = redeem(world, listener.uri, listener.next(page)["code"])
        told = payload(tokens["id_token"])
        assert told["oid"] == world.user("doctor")["oid"]
        # AC02: no token outlives four hours after the card.
        assert told["exp"] <= told["iat"] + 4 * HOUR
        last = sign_ins(world, upn)[0]
        assert last["status"]["errorCode"] == 0
        assert names(last) == {"AC01": "success", "AC02": "success"}
        # Nobody is asked for anything before that.
        at(world, "+230m")
        page.goto(psc(world, listener.uri))
        assert "code" in listener.next(page)
        # Four hours after the card it is asked for again, and the terms are not.
        at(world, "+241m")
        page.goto(psc(world, listener.uri, prompt="none"))
        assert listener.next(page)["error"] in ("interaction_required", "login_required")
        page.goto(psc(world, listener.uri))
        page.locator("main a.button.primary").click()
        assert "code" in listener.next(page)
    assert page.complaints == []


def test_who_declines_the_terms_goes_nowhere(own_world, doctor):
    with arrivals() as listener:
        doctor.goto(psc(own_world, listener.uri))
        show_card(doctor)
        doctor.locator("main button[value=decline]").click()
        assert listener.next(doctor)["error"] == "access_denied"
    last = sign_ins(own_world, own_world.user("doctor")["upn"])[0]
    assert last["status"]["errorCode"] != 0
    assert names(last)["AC01"] == "failure"


def test_an_emergency_account_passes_and_is_told_of(own_world, doctor):
    """It is excluded from both policies: its password is enough. Whoever watches over the establishment hears of it."""
    world, emergency = own_world, own_world.user("emergency")
    with arrivals() as listener:
        doctor.goto(psc(world, listener.uri))
        sign_in(doctor, emergency)
        assert "code" in listener.next(doctor)
    (entry,) = sign_ins(world, emergency["upn"])
    assert (entry["status"]["errorCode"], entry["conditionalAccessStatus"]) == (0, "notApplied")
    assert set(names(entry).values()) <= {"notApplied"}
    alerts = made(directory(world, "GET", "auditLogs/alerts"))["value"]
    assert any(emergency["upn"] in str(alert) for alert in alerts), alerts
