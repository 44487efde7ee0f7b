"""Means of identification of a person in a browser: the application that makes codes, and a key of Chromium's own."""

import base64
import hashlib
import hmac
import struct
import time
from contextlib import contextmanager

PERIOD = 30
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
used = {}


def one_time_code(key, step=None):
    """What an application on a telephone shows (RFC 6238)."""
    step = int(time.time()) // PERIOD if step is None else step
    seed = base64.b32decode(key + "=" * (-len(key) % 8))
    digest = hmac.digest(seed, struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset:offset + 4]) & 0x7FFFFFFF) % 1_000_000:06}"


def fresh_code(key):
    """One that was not used yet: each is good once, and one step ahead is taken."""
    while True:
        now = int(time.time()) // PERIOD
        step = max(now, used.get(key, 0) + 1)
        if step <= now + 1:
            used[key] = step
            return one_time_code(key, step)
        time.sleep(1)


def prove(page, user):
    """Types the code of the person's application."""
    page.locator("input[name=proof]").fill(fresh_code(user["totp_secret"]))
    page.locator("main button.primary").click()


@contextmanager
def authenticator(page):
    """A security key that knows its person: the session of developer tools, and its id there."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    yield devtools, devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    devtools.send("WebAuthn.disable")
