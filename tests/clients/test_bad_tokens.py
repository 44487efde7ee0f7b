"""Tokens that must not open the FHIR service: each is 401 with `WWW-Authenticate`, and says nothing of what exists."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from people import outcome
from world import World

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def part(value):
    text = json.dumps(value).encode() if not isinstance(value, bytes) else value
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def opened(token):
    header, claims, signature = token.split(".")
    read = lambda text: json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read(header), read(claims), signature


def signed(claims, header, key=STRANGER):
    return jwt.encode(claims, key, algorithm="RS256", headers=header)


def no_signature(world, good):
    _, claims, _ = opened(good)
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


def signature_cut(world, good):
    return good.rsplit(".", 1)[0] + "."


def claims_changed(world, good):
    header, _, signature = good.split(".")
    _, claims, _ = opened(good)
    claims["oid"] = claims["sub"] = world.user("doctor")["oid"]
    return f"{header}.{part(claims)}.{signature}"


def signature_changed(world, good):
    rest, signature = good.rsplit(".", 1)
    other = "A" if signature[0] != "A" else "B"
    return f"{rest}.{other}{signature[1:]}"


def key_of_a_stranger(world, good):
    header, claims, _ = opened(good)
    return signed(claims, {"kid": header["kid"]})


def unknown_key(world, good):
    _, claims, _ = opened(good)
    return signed(claims, {"kid": "nobody"})


def key_in_the_header(world, good):
    _, claims, _ = opened(good)
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(STRANGER.public_key()))
    return signed(claims, {"jwk": key, "kid": "mine"})


def public_key_as_a_secret(world, good):
    """The confusion of algorithms: HS256 with the published key."""
    header, claims, _ = opened(good)
    keys = requests.get(f"{world.authority}/discovery/v2.0/keys", verify=world.ca, timeout=30).json()["keys"]
    key = next(key for key in keys if key["kid"] == header["kid"])
    public = jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(key))
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = f"{part({**header, 'alg': 'HS256'})}.{part(claims)}"
    return f"{head}.{part(hmac.digest(pem, head.encode(), hashlib.sha256))}"


def other_issuer(world, good):
    header, claims, _ = opened(good)
    return signed({**claims, "iss": "https://sts.example/"}, {"kid": header["kid"]})


def other_tenant(world, good):
    header, claims, _ = opened(good)
    tenant = world.other_tenant["id"]
    return signed({**claims, "tid": tenant, "iss": f"{world.login}/{tenant}/"}, {"kid": header["kid"]})


def no_token(world, good):
    return "not.a.token"


def too_large(world, good):
    return good + "A" * 20_000


FORGED = [
    no_signature,
    signature_cut,
    claims_changed,
    signature_changed,
    key_of_a_stranger,
    unknown_key,
    key_in_the_header,
    public_key_as_a_secret,
    other_issuer,
    other_tenant,
    no_token,
    too_large,
]


def refused(world, token):
    answer = world.call("GET", "Patient?_count=1", token=token)
    assert answer.status_code == 401, answer.text
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer"), challenge
    outcome(answer)
    return challenge


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_token(world, forge):
    good = world.token("fhir-contributor")
    assert world.call("GET", "Patient?_count=1", token=good).status_code == 200
    assert 'error="invalid_token"' in refused(world, forge(world, good))


def test_no_token_at_all_gets_a_challenge_without_an_error(world):
    assert "error=" not in refused(world, None)


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer a b"])
def test_another_authorization_header(world, value):
    answer = world.call("GET", "Patient?_count=1", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_in_the_address_or_in_the_body_does_not_count(world):
    token = world.token("fhir-reader")
    assert world.call("GET", f"Patient?access_token={token}").status_code == 401


def test_a_real_token_for_another_audience(world):
    """The idp signs it; it is for the directory API, or for the application itself."""
    app = world.app("fhir-reader")
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        scope=f"{app['client_id']}/.default",
    )
    assert answer.status_code == 200, answer.text
    assert 'error="invalid_token"' in refused(world, answer.json()["access_token"])


def test_a_real_token_for_another_kind_of_service_is_not_issued(world):
    app = world.app("fhir-reader")
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        scope="https://dicom.healthcareapis.azure.com/.default",
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_codes"] == [500011]


def test_a_real_token_of_another_tenant(world):
    foreign = world.other_tenant["apps"][0]
    form = {
        "grant_type": "client_credentials",
        "client_id": foreign["client_id"],
        "client_secret": foreign["client_secret"],
    }
    endpoint = f"{world.login}/{world.other_tenant['id']}/oauth2/v2.0/token"
    # The service is no application of that tenant …
    answer = world.post_form(endpoint, **form, scope=world.scope)
    assert answer.json()["error_codes"] == [500011], answer.text
    # … and what the tenant signs for its own opens nothing here.
    own = world.post_form(endpoint, **form, scope=f"{foreign['client_id']}/.default")
    assert own.status_code == 200, own.text
    assert 'error="invalid_token"' in refused(world, own.json()["access_token"])


def test_an_expired_token(tmp_path):
    """Issued by a world, shown to the same world two hours later."""
    world = World(tmp_path).start()
    try:
        token = world.token("fhir-reader")
        assert world.call("GET", "Patient?_count=1", token=token).status_code == 200
        assert world.stop() == 0
        world.start(later="+2h")
        assert 'error="invalid_token"' in refused(world, token)
    finally:
        if world.is_running():
            world.kill()
