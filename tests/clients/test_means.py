"""Means of identification in a real browser: codes, passkeys, the page of one's own, and what policies ask for."""

import base64
import hashlib
import hmac
import struct
import time
from contextlib import contextmanager

import pytest
from chromium import arrivals, sign_in
from test_pages import LOOKS, authorize, check, complain


def code(secret, step=0):
    """What an application on a telephone shows (RFC 6238)."""
    moment = int(time.time()) // 30 + step
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", moment), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def prove(page, secret):
    """Types a code; the one of the next step where this one was used up by another test."""
    for step in (0, 1, -1):
        page.locator("input[name=proof]").fill(code(secret, step))
        page.locator("main button.primary").click()
        page.wait_for_load_state()
        if not page.locator("input[name=proof]").count():
            return
    raise AssertionError(page.locator("main").inner_text())


@contextmanager
def authenticator(page):
    """A security key of Chromium's own, which knows its person."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield session, made["authenticatorId"]
    session.send("WebAuthn.disable")


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(look))
def person(request, chromium):
    context = chromium.context(*request.param)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: complain(page, message))
    page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
    yield page
    context.close()


def psc(world, uri, **more):
    return authorize(world, uri, client_id=world.app("PSC_BAS")["client_id"], scope="openid", **more)


def test_a_second_factor_that_an_application_asks_for(world, person):
    doctor = world.user("doctor")
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri, acr_values="mfa"))
        sign_in(person, doctor)
        person.locator("input[name=proof]").wait_for()
        check(person, "code")
        person.locator("input[name=proof]").fill("")
        person.locator("main button.primary").click()
        check(person, "code-missing")
        prove(person, doctor["totp_secret"])
        assert "code" in listener.next(person)
    assert person.complaints == []


def test_a_passkey_is_registered_and_opens_pro_sante_connect(world, person):
    nurse = world.user("nurse")
    with authenticator(person), arrivals() as listener:
        # A password alone does not open it, and neither does a code: FA01-ProSantéConnect.
        person.goto(psc(world, listener.uri))
        sign_in(person, nurse)
        person.get_by_text("AADSTS50079").wait_for(state="attached")
        check(person, "no-strong-means")
        # To the page of one's own means, where both factors are asked for again.
        person.locator("main a.button.primary, main a.button").first.click()
        person.locator("input[type=password]").fill(nurse["password"])
        person.locator("main button.primary").click()
        prove(person, nurse["totp_secret"])
        check(person, "security-information")
        person.locator("button[name=step][value=passkey]").click()
        check(person, "new-passkey")
        person.locator("[data-passkey-button]").click()
        person.locator("main .notice, main .success").first.wait_for()
        check(person, "passkey-added")
        # And now it opens.
        person.goto(psc(world, listener.uri, prompt="login", login_hint=nurse["upn"]))
        person.locator("button[name=way][value=passkey]").click()
        check(person, "passkey")
        person.locator("[data-passkey-button]").click()
        assert "code" in listener.next(person)
    # The page that says what is missing is an answer to a request that was refused.
    assert [each for each in person.complaints if "status of 400" not in each] == []
