"""The library `@azure/msal-node`, unmodified, with the authority and `knownAuthorities` as its only settings."""

import jwt
import pytest
from chromium import arrivals, sign_in
from nodes import Failed, certificate, play, secret
from people import patient


def said(token):
    return jwt.decode(token["accessToken"], options={"verify_signature": False})


@pytest.fixture
def answer(world, page):
    """A person who signs in with the browser of the page when the library opens an address, and comes back to its own
    listener."""

    def answering(name):
        def visit(url):
            page.goto(url)
            sign_in(page, world.user(name))
            page.wait_for_url("http://localhost:*/**")

        return visit

    return answering


@pytest.mark.parametrize("proof", [secret, certificate])
def test_an_application(world, proof):
    first, second, third = play(world, "msal_node", "application", **proof(world, "fhir-reader"), scope=world.scope)
    assert (first["fromCache"], second["fromCache"], third["fromCache"]) == (False, True, False)
    assert first["accessToken"] == second["accessToken"] != third["accessToken"]
    assert said(first)["appidacr"] == ("1" if proof is secret else "2")
    assert 3000 < first["expiresIn"] < 5400
    assert world.call("GET", "Patient?_count=1", token=third["accessToken"]).status_code == 200


def test_as_a_provider_like_any_other(world):
    token = play(world, "msal_node", "generic", **secret(world, "fhir-reader"), scope=world.scope)["accessToken"]
    assert world.call("GET", "Patient?_count=1", token=token).status_code == 200


def test_a_wrong_secret(world):
    wrong = {**secret(world, "fhir-reader"), "secret": "not-the-secret"}
    with pytest.raises(Failed) as failed:
        play(world, "msal_node", "application", **wrong, scope=world.scope)
    assert failed.value.members["errorCode"] == "invalid_client"
    assert "AADSTS7000215" in failed.value.members["message"]


def test_an_unknown_resource(world):
    with pytest.raises(Failed) as failed:
        play(world, "msal_node", "application", **secret(world, "fhir-reader"), scope="https://nobody.example/.default")
    assert failed.value.members["errorCode"] == "invalid_resource"
    assert "AADSTS500011" in failed.value.members["message"]


def test_a_person_signs_in_and_stays_signed_in(world, answer):
    """Also in another process that has the cache of the first, and for another resource."""
    nurse, server = world.user("nurse"), world.app("demo-server")
    first, kept, renewed, again, elsewhere = play(
        world,
        "msal_node",
        "person",
        answer("nurse"),
        client_id=world.app("demo-web")["client_id"],
        scope=world.user_scope,
        other_scope=server["scope"],
    )
    assert first["account"]["username"] == nurse["upn"]
    assert first["account"]["homeAccountId"] == f"{nurse['oid']}.{world.tenant['id']}"
    assert first["account"]["tenantId"] == world.tenant["id"]
    assert first["account"]["name"] == nurse["display_name"]
    assert (kept["fromCache"], kept["accessToken"]) == (True, first["accessToken"])
    assert (renewed["fromCache"], again["fromCache"], elsewhere["fromCache"]) == (False, True, False)
    assert again["accessToken"] == renewed["accessToken"] != first["accessToken"]
    assert (said(renewed)["oid"], said(renewed)["scp"]) == (nurse["oid"], "user_impersonation")
    assert world.call("GET", "Patient?_count=1", token=renewed["accessToken"]).status_code == 200
    for_server = said(elsewhere)
    assert (for_server["ver"], for_server["aud"], for_server["scp"]) == ("2.0", server["client_id"], "access_as_user")
    assert world.call("GET", "Patient?_count=1", token=elsewhere["accessToken"]).status_code == 401


@pytest.mark.parametrize("proof", [secret, certificate])
def test_a_server_signs_a_person_in(world, page, proof):
    """Authorization code with PKCE of a confidential client; the answer is posted to it."""
    doctor = world.user("doctor")
    with arrivals() as listener:

        def visit(url):
            page.goto(url)
            sign_in(page, doctor)
            return listener.next(page)

        result = play(
            world,
            "msal_node",
            "server",
            visit,
            **proof(world, "demo-server"),
            redirect_uri=f"{listener.uri}/callback",
            scope=world.user_scope,
        )
    assert result["arrived"]["state"] == "of-this-browser"
    first, renewed = result["tokens"]
    assert first["idTokenClaims"]["nonce"] == "of-this-request"
    assert (first["account"]["username"], renewed["fromCache"]) == (doctor["upn"], False)
    assert said(renewed)["appidacr"] == ("1" if proof is secret else "2")
    assert world.call("GET", "Patient?_count=1", token=renewed["accessToken"]).status_code == 200


@pytest.mark.parametrize(("who", "reads"), [("doctor", 200), ("secretary", 403)])
def test_an_api_calls_the_next_one_for_the_person(world, answer, who, reads):
    """On-behalf-of: the installed application calls the server, and the server reads FHIR by the person's own role."""
    server = world.app("demo-server")
    result = play(
        world,
        "msal_node",
        "onBehalfOf",
        answer(who),
        client_id=world.app("demo-web")["client_id"],
        server={**secret(world, "demo-server"), "scope": server["scope"]},
        scope=world.user_scope,
    )
    called = said({"accessToken": result["called"]})
    assert (called["aud"], called["scp"], called["ver"]) == (server["client_id"], "access_as_user", "2.0")
    first, second = result["tokens"]
    assert (first["fromCache"], second["fromCache"]) == (False, True)
    assert (said(first)["oid"], said(first)["appid"]) == (world.user(who)["oid"], server["client_id"])
    assert world.call("GET", "Patient?_count=1", token=first["accessToken"]).status_code == reads
    assert world.call("POST", "Patient", token=first["accessToken"], json=patient()).status_code == 403
