"""Sessions of people in a real browser: terms of use, the end of a sign-in frequency, signing out everywhere."""

import base64
import secrets
import time

import pytest
from chromium import Chromium, arrivals, sign_in
from test_consent import directory
from test_console import shown
from test_pages import LOOKS, authorize, check, person  # noqa: F401  (a fixture)

# The least that a reader takes for a PDF.
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def made(answer):
    assert answer.status_code in (200, 201, 204), answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def newcomer(world):
    """Somebody of whom no other test knows, and what takes away again what tests make for them."""
    with Newcomer(world) as user:
        yield user


class Newcomer:
    """A new user of the establishment with a password, and the paths of what goes with them at the end."""

    def __init__(self, world):
        self.world = world

    def __enter__(self):
        domain = self.world.tenant["domain"]
        name = f"newcomer-{secrets.token_hex(4)}"
        self.user = {"upn": f"{name}@{domain}", "password": f"Aa1!{secrets.token_urlsafe(16)}", "made": []}
        body = {
            "accountEnabled": True, "displayName": name, "mailNickname": name, "userPrincipalName": self.user["upn"],
            "passwordProfile": {"password": self.user["password"], "forceChangePasswordNextSignIn": False},
        }
        self.user["id"] = made(directory(self.world, "POST", "users", json=body))["id"]
        return self.user

    def __exit__(self, *_):
        for path in [*reversed(self.user["made"]), f"users/{self.user['id']}"]:
            made(directory(self.world, "DELETE", path))


def policy(world, user, **members):
    """A policy for this person and the application of the tests."""
    body = {
        "displayName": f"test {secrets.token_hex(4)}", "state": "enabled",
        "conditions": {
            "users": {"includeUsers": [user["id"]]}, "clientAppTypes": ["all"],
            "applications": {"includeApplications": [world.app("demo-web")["client_id"], world.demo["workspaces"][0]["fhir"][0]["app_id"]]},
        },
        **members,
    }
    found = made(directory(world, "POST", "identity/conditionalAccess/policies", json=body))
    user["made"].append(f"identity/conditionalAccess/policies/{found['id']}")


def test_terms_of_use_are_read_and_accepted(world, person, newcomer):  # noqa: F811
    """The charter of an establishment, which wants it to be opened: `CGU-ProSantéConnect` of the guide."""
    body = {
        "displayName": "Charte du système d'information", "isViewingBeforeAcceptanceRequired": True,
        "files": [{
            "fileName": "charte.pdf", "language": "fr-FR", "isDefault": True, "displayName": "Charte",
            "fileData": {"data": base64.b64encode(PDF).decode()},
        }],
    }
    terms = made(directory(world, "POST", "identityGovernance/termsOfUse/agreements", json=body))["id"]
    newcomer["made"].append(f"identityGovernance/termsOfUse/agreements/{terms}")
    policy(world, newcomer, grantControls={"operator": "OR", "termsOfUse": [terms]})
    accepted = f"identityGovernance/termsOfUse/agreements/{terms}/acceptances"
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, newcomer)
        person.locator("main button[value=accept]").wait_for()
        shown(person, "terms of use")
        # Not opened yet: it is asked for again.
        person.locator("main button[value=accept]").click()
        person.locator("main [aria-invalid=true], main .notice").first.wait_for()
        look_at = person.locator("main a[href*='/terms/']").first.get_attribute("href")
        assert made(directory(world, "GET", accepted))["value"] == []
        opened = person.evaluate(
            "async at => { const got = await fetch(at); return [got.status, got.headers.get('content-type')]; }", look_at
        )
        assert opened == [200, "application/pdf"]
        person.locator("main button[value=accept]").click()
        assert "code" in listener.next(person)
        # Known from now on.
        person.goto(authorize(world, listener.uri, prompt="login", login_hint=newcomer["upn"]))
        person.locator("input[type=password]").fill(newcomer["password"])
        person.locator("main button.primary").click()
        assert "code" in listener.next(person)
    (entry,) = made(directory(world, "GET", accepted))["value"]
    assert (entry["userId"], entry["state"]) == (newcomer["id"], "accepted")


def test_terms_of_use_that_are_declined(world, person, newcomer):  # noqa: F811
    body = {
        "displayName": "Charte", "isViewingBeforeAcceptanceRequired": False,
        "files": [{
            "fileName": "charte.pdf", "language": "fr-FR", "isDefault": True, "displayName": "Charte",
            "fileData": {"data": base64.b64encode(PDF).decode()},
        }],
    }
    terms = made(directory(world, "POST", "identityGovernance/termsOfUse/agreements", json=body))["id"]
    newcomer["made"].append(f"identityGovernance/termsOfUse/agreements/{terms}")
    policy(world, newcomer, grantControls={"operator": "OR", "termsOfUse": [terms]})
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, newcomer)
        person.locator("main button[value=decline]").click()
        answer = listener.next(person)
        assert answer["error"] == "access_denied", answer


def test_a_policy_blocks(world, person, newcomer):  # noqa: F811
    policy(world, newcomer, grantControls={"operator": "OR", "builtInControls": ["block"]})
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, newcomer)
        person.get_by_text("AADSTS53003").wait_for(state="attached")
        check(person, "blocked")


def test_a_password_that_was_given_is_replaced(world, person, newcomer):  # noqa: F811
    """A first password, or one after a reset: good for this page alone."""
    again = {"passwordProfile": {"forceChangePasswordNextSignIn": True}}
    made(directory(world, "PATCH", f"users/{newcomer['id']}", json=again))
    mine = f"Bb2!{secrets.token_urlsafe(16)}"
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, newcomer)
        new = person.locator("input[autocomplete=new-password]")
        new.wait_for()
        check(person, "new-password")
        new.fill("Hopital2026")
        person.locator("main button.primary").click()
        person.locator("main [aria-invalid=true]").wait_for()
        check(person, "new-password-refused")
        person.locator("input[autocomplete=new-password]").fill(mine)
        person.locator("main button.primary").click()
        assert "code" in listener.next(person)
        person.goto(authorize(world, listener.uri, prompt="login", login_hint=newcomer["upn"]))
        person.locator("input[type=password]").fill(mine)
        person.locator("main button.primary").click()
        assert "code" in listener.next(person)


@pytest.mark.parametrize("look", LOOKS[:1], ids=lambda look: "-".join(look))
def test_a_sign_in_lasts_as_long_as_its_frequency(own_world, playwright, tmp_path, look):
    """An hour, though the session is used: at its end the person is asked again, and not before."""
    world = own_world
    frequency = {"signInFrequency": {
        "isEnabled": True, "type": "hours", "value": 1, "frequencyInterval": "timeBased",
        "authenticationType": "primaryAndSecondaryAuthentication",
    }}
    user = Newcomer(world).__enter__()
    policy(world, user, sessionControls=frequency)
    began = time.time()
    with Chromium(playwright, world.ca, tmp_path / "chromium") as browser, arrivals() as listener:
        page = browser.context(*look).new_page()
        page.goto(authorize(world, listener.uri))
        sign_in(page, user)
        assert "code" in listener.next(page)
        # Used before half an hour is over, each time: the session lives on.
        for later in (25, 50):
            at(world, f"+{later}m")
            page.goto(authorize(world, listener.uri, prompt="none"))
            assert "code" in listener.next(page), later
        assert time.time() - began < 300, "too slow for what is measured here"
        at(world, "+61m")
        page.goto(authorize(world, listener.uri, prompt="none"))
        assert listener.next(page)["error"] in ("interaction_required", "login_required")
        page.goto(authorize(world, listener.uri))
        page.locator("input[type=password]").wait_for()
        check(page, "frequency-over")
        page.locator("input[type=password]").fill(user["password"])
        page.locator("main button.primary").click()
        assert "code" in listener.next(page)


def at(world, later):
    """The same world with its clock moved."""
    world.kill()
    world.start(later)


def test_signing_out_everywhere(world, chromium, person, newcomer):  # noqa: F811
    """A workstation that was left open, ended from another one."""
    elsewhere = chromium.context()
    left = elsewhere.new_page()
    with arrivals() as listener:
        for page in (left, person):
            page.goto(authorize(world, listener.uri))
            sign_in(page, newcomer)
            assert "code" in listener.next(page)
        left.goto(authorize(world, listener.uri, prompt="none"))
        assert "code" in listener.next(left)
        person.goto(f"{world.authority}/securityinfo")
        shown(person, "own sessions")
        person.locator("main button[value=everywhere]").click()
        person.locator("main .actions a.quiet").wait_for()
        shown(person, "sign out everywhere")
        person.locator("main form .actions button.button").click()
        person.locator("main a.button.primary").wait_for()
        shown(person, "signed out everywhere")
        left.goto(authorize(world, listener.uri, prompt="none"))
        assert listener.next(left)["error"] == "login_required"
    left.goto(f"{world.authority}/securityinfo")
    shown(left, "nobody there any more")
    elsewhere.close()
    assert person.complaints == []
