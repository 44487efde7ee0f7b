"""Spring Security, unmodified, with the address of the issuer as its only setting; as a resource server it is judged in
`test_resource_servers.py`."""

import jvm
import pytest
from chromium import arrivals, sign_in
from nodes import Failed, secret

pytestmark = pytest.mark.skipif(not jvm.IS_THERE, reason="Java and Maven are not here")


@pytest.fixture
def visit(world, page):
    with arrivals() as listener:

        def visiting(url):
            page.goto(url)
            sign_in(page, world.user("doctor"))
            return listener.next(page)

        visiting.uri = f"{listener.uri}/callback"
        yield visiting


def test_a_person_signs_in(world, visit):
    """Code, id_token with its nonce verified by the library, and UserInfo."""
    given = {**secret(world, "demo-server"), "issuer": f"{world.authority}/v2.0", "redirect_uri": visit.uri}
    claims = jvm.play(world, "Spring", "sign_in", visit, **given)
    doctor = world.user("doctor")
    assert (claims["oid"], claims["preferred_username"]) == (doctor["oid"], doctor["upn"])
    assert (claims["aud"], claims["tid"]) == ([world.app("demo-server")["client_id"]], world.tenant["id"])


def test_a_wrong_secret_signs_nobody_in(world, visit):
    given = {**secret(world, "demo-server"), "issuer": f"{world.authority}/v2.0", "redirect_uri": visit.uri}
    with pytest.raises(Failed, match="AADSTS7000215"):
        jvm.play(world, "Spring", "sign_in", visit, **{**given, "secret": "not-the-secret"})
