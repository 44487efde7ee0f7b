"""The library `msal4j` (Java), unmodified, with its authority and no discovery of instances as its only settings."""

import os

import jvm
import jwt
import pytest
from chromium import Chromium, arrivals, connect_device, sign_in
from nodes import Failed, certificate, secret
from world import World

pytestmark = pytest.mark.skipif(not jvm.IS_THERE, reason="Java and Maven are not here")


def said(token):
    return jwt.decode(token, options={"verify_signature": False})


def reads(world, token):
    return world.call("GET", "Patient?_count=1", token=token).status_code == 200


def by_secret(world, name):
    return secret(world, name)


def by_certificate(world, name):
    known = certificate(world, name)
    shown = (world.data / world.app(name)["certificate"]).read_text()
    shown = shown[shown.index("-----BEGIN CERTIFICATE") :]
    return {"client_id": known["client_id"], "key": known["certificate"]["privateKey"], "shown": shown}


@pytest.mark.parametrize("proof", [by_secret, by_certificate])
def test_an_application(world, proof):
    *_, token = jvm.play(world, "Msal", "application", **proof(world, "fhir-reader"), scope=world.scope)
    assert said(token)["appidacr"] == ("1" if proof is by_secret else "2")
    assert reads(world, token)


def test_a_wrong_secret(world):
    wrong = {**secret(world, "fhir-reader"), "secret": "not-the-secret"}
    with pytest.raises(Failed, match="AADSTS7000215"):
        jvm.play(world, "Msal", "application", **wrong, scope=world.scope)


@pytest.fixture
def standard(tmp_path):
    """A world whose login host is at port 443: the library keeps tokens and accounts by the host's name alone."""
    if os.geteuid() != 0:
        pytest.skip("ports below 1024 are root's")
    world = World(tmp_path, base_port=442).start()
    yield world
    assert world.stop() == 0


def test_a_person_signs_in_and_stays_signed_in(standard, playwright, tmp_path):
    """By the system's browser, which comes back to the library's own listener; then silently, and for another resource."""
    world, nurse, server = standard, standard.user("nurse"), standard.app("demo-server")
    given = {"client_id": world.app("demo-web")["client_id"], "scope": world.user_scope, "other_scope": server["scope"]}
    with Chromium(playwright, world.ca, tmp_path) as browser:
        page = browser.context().new_page()

        def visit(url):
            page.goto(url)
            sign_in(page, nurse)
            page.wait_for_url("http://localhost:*/**")

        first, kept, renewed, elsewhere = jvm.play(world, "Msal", "person", visit, **given)
    assert first["username"] == nurse["upn"]
    assert first["homeAccountId"] == f"{nurse['oid']}.{world.tenant['id']}"
    assert kept["accessToken"] == first["accessToken"] != renewed["accessToken"]
    assert said(renewed["accessToken"])["oid"] == nurse["oid"]
    assert reads(world, renewed["accessToken"])
    assert said(elsewhere["accessToken"])["aud"] == server["client_id"]
    first, second, third = jvm.play(world, "Msal", "application", **secret(world, "fhir-reader"), scope=world.scope)
    assert first == second != third


def test_a_device_without_a_browser(world, page):
    nurse = world.user("nurse")
    given = {"client_id": world.app("demo-web")["client_id"], "scope": world.user_scope}
    token = jvm.play(world, "Msal", "device", lambda code: connect_device(page, world.login, code, nurse), **given)
    assert said(token["accessToken"])["oid"] == nurse["oid"]
    assert reads(world, token["accessToken"])


def test_a_server_signs_a_person_in_and_calls_on_behalf_of_her(world, page):
    server, doctor = world.app("demo-server"), world.user("doctor")
    with arrivals() as listener:

        def visit(url):
            page.goto(url)
            sign_in(page, doctor)
            return listener.next(page)

        given = {**secret(world, "demo-server"), "redirect_uri": f"{listener.uri}/callback", "scope": server["scope"]}
        called = jvm.play(world, "Msal", "server", visit, **given)["accessToken"]
    assert said(called)["aud"] == server["client_id"]
    given = {**secret(world, "demo-server"), "assertion": called, "scope": world.user_scope}
    token = jvm.play(world, "Msal", "server", **given)["accessToken"]
    assert (said(token)["oid"], said(token)["appid"]) == (doctor["oid"], server["client_id"])
    assert reads(world, token)
