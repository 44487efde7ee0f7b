"""The library `openid-client`, a certified relying party, unmodified, with the issuer as its only setting."""

import jwt
import pytest
from chromium import arrivals, sign_in
from nodes import Failed, certificate, play, secret

PROOFS = [("basic", secret), ("post", secret), ("certificate", certificate)]


def said(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize(("proof", "given"), PROOFS)
def test_an_application(world, proof, given):
    client = given(world, "fhir-reader")
    answer = play(world, "openid_client", "application", **client, proof=proof, scope=world.scope)
    assert said(answer["access_token"])["appidacr"] == ("2" if proof == "certificate" else "1")
    assert world.call("GET", "Patient?_count=1", token=answer["access_token"]).status_code == 200


def test_it_finds_what_it_needs(world):
    found = play(world, "openid_client", "metadata", client_id=world.app("demo-web")["client_id"], proof="none")
    assert found["issuer"] == f"{world.authority}/v2.0"
    assert "S256" in found["code_challenge_methods_supported"]
    assert {"client_secret_basic", "client_secret_post", "private_key_jwt"} <= set(
        found["token_endpoint_auth_methods_supported"]
    )


@pytest.mark.parametrize(("proof", "given"), [("none", None), *PROOFS])
def test_a_person_signs_in_and_out(world, page, proof, given):
    """State, nonce, issuer, audience, age and signature of the id token are checked by the library."""
    nurse = world.user("nurse")
    name = "demo-server" if given else "demo-web"
    client = given(world, name) if given else {"client_id": world.app(name)["client_id"]}
    with arrivals() as listener:

        def visit(url):
            page.goto(url)
            if "/logout" not in url:
                sign_in(page, nurse)
            return listener.next(page)

        result = play(
            world,
            "openid_client",
            "person",
            visit,
            **client,
            proof=proof,
            scope="openid profile email offline_access",
            redirect_uri=f"{listener.uri}/callback" if given else f"{listener.uri}/",
            post_logout_redirect_uri=listener.uri,
        )
    claims = result["claims"]
    assert (claims["preferred_username"], claims["oid"]) == (nurse["upn"], nurse["oid"])
    assert result["userInfo"]["sub"] == claims["sub"]
    assert result["userInfo"]["name"] == nurse["display_name"]
    assert result["renewed"]["refresh_token"] != result["tokens"]["refresh_token"]
    assert said(result["renewed"]["id_token"])["sub"] == claims["sub"]
    assert result["out"] == {"state": "left"}


def test_a_refusal_is_an_error_of_the_protocol(world, page):
    with arrivals() as listener:

        def visit(url):
            page.goto(url)
            return listener.next(page)

        given = {"client_id": world.app("demo-web")["client_id"], "redirect_uri": f"{listener.uri}/", "proof": "none"}
        with pytest.raises(Failed) as failed:
            play(world, "openid_client", "refused", visit, **given, scope="openid")
    assert failed.value.members["code"] == "OAUTH_AUTHORIZATION_RESPONSE_ERROR"
    assert "login_required" in failed.value.members["message"] + failed.value.members["cause"]


def test_a_wrong_secret(world):
    wrong = {**secret(world, "fhir-reader"), "secret": "not-the-secret"}
    for proof, code in (("post", "OAUTH_RESPONSE_BODY_ERROR"), ("basic", "OAUTH_WWW_AUTHENTICATE_CHALLENGE")):
        with pytest.raises(Failed) as failed:
            play(world, "openid_client", "application", **wrong, proof=proof, scope=world.scope)
        assert failed.value.members["code"] == code, failed.value.members
