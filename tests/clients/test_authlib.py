"""The library `authlib`, unmodified, with the address of the metadata as its only setting."""

import contextlib
import json
import threading
import time

import jwt
import pytest
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from chromium import arrivals, sign_in
from flask import Flask, jsonify, url_for
from nodes import certificate
from werkzeug.serving import make_server

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def proof(world, name, method):
    """The secret of a client, and the settings for a method of proof."""
    if method != "private_key_jwt":
        return world.app(name)["client_secret"], {}
    known = certificate(world, name)["certificate"]
    signed = PrivateKeyJWT(f"{world.authority}/oauth2/v2.0/token", headers={"x5t#S256": known["x5t"]}, alg="PS256")
    return known["privateKey"], {"client_auth_methods": [signed]}


def said(token):
    return jwt.decode(token, options={"verify_signature": False})


def reads(world, token):
    return world.call("GET", "Patient?_count=1", token=token["access_token"]).status_code == 200


@pytest.mark.parametrize("method", METHODS)
def test_an_application(trusted, method):
    key, settings = proof(trusted, "fhir-reader", method)
    client = OAuth2Session(
        trusted.app("fhir-reader")["client_id"],
        key,
        token_endpoint_auth_method=method,
        token_endpoint=f"{trusted.authority}/oauth2/v2.0/token",
        scope=trusted.scope,
        grant_type="client_credentials",
    )
    for known in settings.get("client_auth_methods", []):
        client.register_client_auth_method(known)
    token = client.fetch_token()
    assert said(token["access_token"])["appidacr"] == ("2" if method == "private_key_jwt" else "1")
    assert reads(trusted, token)
    # The session sends the token itself, and gets the next one when it ended.
    client.token = {**token, "expires_at": int(time.time()) - 1}
    assert client.get(f"{trusted.fhir}/Patient?_count=1").status_code == 200
    assert client.token["access_token"] != token["access_token"]


def test_an_installed_application(trusted, page):
    """Code with PKCE and no secret; the refresh token is used when the access token ended."""
    with arrivals() as listener:
        client = OAuth2Session(
            trusted.app("demo-web")["client_id"],
            token_endpoint_auth_method="none",
            token_endpoint=f"{trusted.authority}/oauth2/v2.0/token",
            scope=f"openid offline_access {trusted.user_scope}",
            redirect_uri=listener.uri,
            code_challenge_method="S256",
        )
        verifier = "a-verifier-of-at-least-forty-three-characters"
        url, state = client.create_authorization_url(
            f"{trusted.authority}/oauth2/v2.0/authorize", code_verifier=verifier
        )
        page.goto(url)
        sign_in(page, trusted.user("nurse"))
        arrived = listener.next(page)
    assert arrived["state"] == state
    token = client.fetch_token(code=arrived["code"], code_verifier=verifier)
    assert reads(trusted, token)
    client.token = {**token, "expires_at": int(time.time()) - 1}
    assert client.get(f"{trusted.fhir}/Patient?_count=1").status_code == 200
    assert client.token["refresh_token"] != token["refresh_token"]


@contextlib.contextmanager
def site(world, method):
    """A web application of somebody else, which signs its people in by OpenID Connect; gives its address."""
    app = Flask(__name__)
    app.secret_key = "of this test"
    key, settings = proof(world, "demo-server", method)
    provider = OAuth(app).register(
        "hygie",
        client_id=world.app("demo-server")["client_id"],
        client_secret=key,
        server_metadata_url=f"{world.authority}/v2.0/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email offline_access",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": method,
        },
        **settings,
    )

    @app.get("/")
    def start():
        return provider.authorize_redirect(url_for("callback", _external=True), max_age=3600)

    @app.get("/callback")
    def callback():
        token = provider.authorize_access_token()
        return jsonify(claims=token["userinfo"], told=provider.userinfo(token=token), token=token)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("method", METHODS)
def test_a_web_application(trusted, page, method):
    """State, nonce, and the signature, issuer, audience and age of the id token are checked by the library."""
    doctor = trusted.user("doctor")
    with site(trusted, method) as address:
        page.goto(address)
        sign_in(page, doctor)
        page.wait_for_url(f"{address}/callback?**")
        seen = json.loads(page.inner_text("body"))
    assert (seen["claims"]["preferred_username"], seen["claims"]["oid"]) == (doctor["upn"], doctor["oid"])
    assert seen["told"]["sub"] == seen["claims"]["sub"]
    assert seen["told"]["name"] == doctor["display_name"]
    assert seen["token"]["refresh_token"]
