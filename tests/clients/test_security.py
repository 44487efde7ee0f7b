"""*Informations de sécurité* as people meet it, with an authenticator of the browser's own making."""

import time

import pytest
import requests
from chromium import arrivals, sign_in
from directory import Directory
from means import authenticator, one_time_code, prove
from test_pages import authorize, check, person  # noqa: F401  (a fixture)

def enter(world, person, user):  # noqa: F811
    """Goes to the page, which asks for both factors."""
    person.goto(f"{world.authority}/securityinfo")
    person.locator("main a.button.primary").click()
    sign_in(person, user)
    prove(person, user)
    person.locator("button[name=step][value=passkey]").wait_for()


@pytest.fixture
def forgotten(world):
    """Takes away, by the directory API, the passkeys that people registered in a test."""
    people = []
    yield people
    client = world.app("directory-admin")
    graph = world.demo["endpoints"]["graph"]
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        scope=f"{graph}/.default",
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    for user in people:
        methods = f"{graph}/v1.0/users/{user['oid']}/authentication/fido2Methods"
        for method in requests.get(methods, headers=headers, verify=world.ca, timeout=30).json()["value"]:
            gone = requests.delete(f"{methods}/{method['id']}", headers=headers, verify=world.ca, timeout=30)
            assert gone.status_code == 204, gone.text


def test_a_passkey_is_registered_in_the_browser(world, person, forgotten):  # noqa: F811
    # Whoever has a card would be asked for it.
    secretary = world.user("secretary")
    forgotten.append(secretary)
    enter(world, person, secretary)
    check(person, "security info")
    with authenticator(person) as (devtools, device):
        person.locator("main button[value=passkey]").click()
        person.locator("form[data-passkey] input[name=name]").wait_for()
        check(person, "new passkey")
        name = f"Key {time.time_ns()}"
        person.locator("input[name=name]").fill(name)
        person.locator("[data-passkey-button]").click()
        person.get_by_role("heading", name=name).wait_for()
        check(person, "passkey registered")
        (credential,) = devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "localhost"
    assert not person.complaints


def test_a_session_of_one_factor_changes_nothing(world, person):  # noqa: F811
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, world.user("nurse"))
        assert "code" in listener.next(person)
    person.goto(f"{world.authority}/securityinfo")
    person.locator("main button[value=password]").click()
    person.locator("main a.button.primary").wait_for()
    check(person, "prove again")
    assert not person.complaints


def test_codes_of_an_application(world, person):  # noqa: F811
    secretary = world.user("secretary")
    enter(world, person, secretary)
    person.locator("main button[value=codes]").click()
    person.locator("svg.qr").wait_for()
    check(person, "new application")
    key = person.locator("main code").inner_text().replace(" ", "")
    person.locator("input[name=name]").fill(f"App {time.time_ns()}")
    person.locator("input[name=code]").fill(one_time_code(key))
    person.locator("main button.primary").click()
    person.locator("main .notice.success").wait_for()
    check(person, "application registered")
    assert not person.complaints


def test_nobody(world, person):  # noqa: F811
    person.goto(f"{world.authority}/securityinfo")
    check(person, "nobody")
    assert not person.complaints


@pytest.fixture
def campaign(world, monkeypatch):
    """The establishment asks people for a passkey, who may put it off."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.ca))
    directory = Directory(world)
    policy = "policies/authenticationMethodsPolicy"
    before = directory.call("GET", policy)["registrationEnforcement"]
    everybody = {"id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "fido2"}
    before_it = before["authenticationMethodsRegistrationCampaign"]
    asked = {**before_it, "state": "enabled", "snoozeDurationInDays": 0, "includeTargets": [everybody]}
    directory.call("PATCH", policy, {"registrationEnforcement": {"authenticationMethodsRegistrationCampaign": asked}})
    yield
    directory.call("PATCH", policy, {"registrationEnforcement": before})


def test_people_are_asked_for_a_passkey(world, person, campaign):  # noqa: F811
    """After the password; they put it off, and go on."""
    nurse = world.user("nurse")
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, nurse)
        person.locator("main a[target=_blank]").wait_for()
        check(person, "registration campaign")
        person.locator("main form button").click()
        assert "code" in listener.next(person)
    assert not person.complaints
