"""Consent in a real browser: an administrator for everybody, a person who may not, and what was given, by the application
of Pro Santé Connect, which its publisher registered in a tenant of its own; guests."""

import pytest
import requests
from chromium import arrivals, sign_in
from test_pages import LOOKS, authorize, check, complain

PSC = "99383c77-0bb9-41f0-96e1-b72ad6eca607"


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(look))
def person(request, chromium):
    context = chromium.context(*request.param)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: complain(page, message))
    page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
    yield page
    context.close()


def directory(world, method, path, **options):
    """The directory API as the application that may do everything there."""
    client = world.app("directory-admin")
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        scope="https://graph.microsoft.com/.default",
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    url = f"{world.demo['endpoints']['graph']}/v1.0/{path}"
    return requests.request(method, url, headers=headers, verify=world.ca, timeout=30, **options)


def answer(page, value):
    page.locator(f"main button[name=answer][value={value}]").click()


def other_administrator(world):
    return next(user for user in world.other_tenant["users"] if user["name"] == "administrator")


def other_nurse(world):
    return next(user for user in world.other_tenant["users"] if user["name"] == "nurse")


def test_an_administrator_consents_for_everybody(world, person):
    """As the guide of Pro Santé Connect asks an establishment to: with the client id alone."""
    person.goto(f"{world.login}/organizations/adminconsent?client_id={PSC}")
    check(person, "who consents")
    sign_in(person, other_administrator(world))
    person.locator("main button[name=answer]").first.wait_for()
    told = person.locator("main").inner_text()
    assert "PSC_BAS" in told, told
    assert "Agence du Numérique en Santé" in told, told
    assert person.locator(".tag.success").count() == 1, told
    assert other_administrator(world)["upn"] in told, told
    check(person, "admin consent")
    answer(person, "decline")
    person.locator("main button[name=answer]").first.wait_for(state="detached")
    check(person, "admin consent refused")
    person.go_back()
    person.locator("main button[name=answer]").first.wait_for()
    answer(person, "everybody")
    person.locator("main button[name=answer]").first.wait_for(state="detached")
    assert "PSC_BAS" in person.locator("main").inner_text()
    check(person, "admin consent given")
    assert not person.complaints
    # Now the people of that establishment come to it, without another question.
    with arrivals() as listener:
        person.context.clear_cookies()
        asked = authorize(world, listener.uri, client_id=PSC, scope="openid profile User.Read")
        person.goto(asked.replace(world.tenant["id"], "organizations"))
        sign_in(person, other_nurse(world))
        assert "code" in listener.next(person)


def test_somebody_else_must_consent(world, person):
    """A person who may not, and an administrator who comes by the same page."""
    nurse = world.user("nurse")
    with arrivals() as listener:
        asked = authorize(world, listener.uri, scope="openid https://graph.microsoft.com/Group.Read.All")
        person.goto(asked)
        sign_in(person, nurse)
        person.get_by_text("90094").wait_for(state="attached")
        told = person.locator("main").inner_text()
        assert "adminconsent?client_id=" in told, told
        check(person, "an administrator is needed")
        client = world.app("demo-web")["client_id"]
        person.goto(f"{world.authority}/adminconsent?client_id={client}&redirect_uri={listener.uri}")
        person.get_by_text("90094").wait_for(state="attached")
        check(person, "not an administrator")
        person.locator("main .actions a").first.click()
        person.locator("main button.quiet").click()
        sign_in(person, world.user("administrator"))
        person.locator("main button[name=answer]").first.wait_for()
        check(person, "an administrator after all")
        answer(person, "decline")
        assert listener.next(person)["error"] == "permission_denied"


def test_a_person_asks_and_is_told(world, person):
    """Where the establishment lets people ask (90095): from the page to the answer of an administrator."""
    nurse, scope = world.user("nurse"), "https://graph.microsoft.com/Group.Read.All"
    policy = "policies/adminConsentRequestPolicy"
    before = directory(world, "GET", policy).json()["isEnabled"]
    changed = directory(world, "PUT", policy, json={"isEnabled": True})
    assert changed.status_code in (200, 204), changed.text
    try:
        person.goto(authorize(world, "http://localhost", scope=f"openid {scope}"))
        sign_in(person, nurse)
        person.locator("main input[name=reason]").wait_for()
        told = person.locator("main").inner_text()
        assert "demo-web" in told, told
        check(person, "ask for consent")
        person.locator("main button.primary").click()
        person.locator("main [aria-invalid=true]").wait_for()
        check(person, "ask for consent without a reason")
        person.locator("main input[name=reason]").fill("Pour les lits du service.")
        person.locator("main button.primary").click()
        person.locator("main input[name=reason]").wait_for(state="detached")
        check(person, "asked for consent")
        person.goto(f"{world.authority}/myapplications")
        check(person, "waiting for consent")
        waiting = person.locator("section[aria-labelledby=requests]").inner_text()
        assert "demo-web" in waiting, waiting
        requests_of = "identityGovernance/appConsent/appConsentRequests"
        app = world.app("demo-web")["client_id"]
        (found,) = [one for one in directory(world, "GET", requests_of).json()["value"] if one["appId"] == app]
        asked = f"{requests_of}/{found['id']}/userConsentRequests"
        (one,) = [one for one in directory(world, "GET", asked).json()["value"] if one["status"] == "InProgress"]
        stage = directory(world, "GET", f"{asked}/{one['id']}/approval").json()["stages"][0]["id"]
        no = {"reviewResult": "Deny", "justification": "Demandez au cadre de santé."}
        decided = directory(world, "PATCH", f"{asked}/{one['id']}/approval/stages/{stage}", json=no)
        assert decided.status_code in (200, 204), decided.text
        person.reload()
        assert "Demandez au cadre de santé." in person.locator("section[aria-labelledby=requests]").inner_text()
        check(person, "consent refused")
    finally:
        directory(world, "PUT", policy, json={"isEnabled": before})


def test_an_administrator_for_themselves(world, person):
    """The page on the way to an application, and taking the consent back."""
    with arrivals() as listener:
        asked = authorize(world, listener.uri, scope="openid https://graph.microsoft.com/User.ReadBasic.All")
        person.goto(asked)
        sign_in(person, world.user("administrator"))
        person.locator("main button[name=answer]").first.wait_for()
        check(person, "consent")
        answer(person, "decline")
        assert listener.next(person)["error"] == "access_denied"
        person.goto(asked)
        answer(person, "accept")
        assert "code" in listener.next(person)
    person.goto(f"{world.authority}/myapplications")
    check(person, "your applications")
    assert "demo-web" in person.locator("main").inner_text()
    person.locator("main button.danger").click()
    person.locator("main .notice.success").wait_for()
    check(person, "taken back")
    assert not person.complaints


def test_who_is_not_assigned_is_led_on(world, person):
    nurse = world.user("nurse")
    app = world.app("demo-web")["client_id"]
    found = directory(world, "GET", f"servicePrincipals(appId='{app}')").json()["id"]
    directory(world, "PATCH", f"servicePrincipals/{found}", json={"appRoleAssignmentRequired": True})
    try:
        person.goto(authorize(world, "http://localhost"))
        sign_in(person, nurse)
        person.get_by_text("50105").wait_for(state="attached")
        check(person, "not assigned")
        person.locator("main .actions a").first.click()
        person.locator("main button.quiet").wait_for()
    finally:
        directory(world, "PATCH", f"servicePrincipals/{found}", json={"appRoleAssignmentRequired": False})


def test_a_guest(world, person):
    """Invited by the directory API, they accept with the account of their own establishment, and sign in."""
    manon = other_nurse(world)
    with arrivals() as listener:
        body = {"invitedUserEmailAddress": manon["upn"], "inviteRedirectUrl": f"{listener.uri}/?welcome=1"}
        made = directory(world, "POST", "invitations", json={**body, "resetRedemption": True})
        assert made.status_code == 201, made.text
        person.goto(made.json()["inviteRedeemUrl"])
        person.locator("input[type=password]").fill(manon["password"])
        person.locator("main button.primary").click()
        person.locator("main button[name=answer]").first.wait_for()
        check(person, "invitation")
        answer(person, "accept")
        assert listener.next(person) == {"welcome": "1"}
        person.goto(authorize(world, listener.uri, scope="openid"))
        assert "code" in listener.next(person)
        # Somebody of theirs who was not invited has nothing here.
        person.context.clear_cookies()
        person.goto(authorize(world, listener.uri, scope="openid"))
        sign_in(person, other_administrator(world))
        person.get_by_text("50020").wait_for(state="attached")
        check(person, "of another establishment")
    gone = directory(world, "DELETE", f"users/{made.json()['invitedUser']['id']}")
    assert gone.status_code == 204, gone.text
