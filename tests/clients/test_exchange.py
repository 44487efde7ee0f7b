"""Tokens of Pro Santé Connect are exchanged (RFC 8693) by `authlib` and `openid-client`, unmodified."""

import base64

import jwt
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives import hashes, serialization
from hospital import Hospital, ProSanteConnect
from nodes import Failed, play

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# Read and write.
ROLES = [("10", (200, 201)), ("60", (200, 403)), ("21", (403, 403))]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    hospital = Hospital(tmp_path_factory.mktemp("hospital"), ProSanteConnect()).start()
    yield hospital
    assert hospital.stop() == 0
    assert "panicked" not in hospital.logged()


def thumbprint(certificate):
    return base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()


def pem(key):
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


def exchange(hospital, endpoint, token, certificate=None):
    """By authlib, whose session shows a certificate when it is given one."""
    session = OAuth2Session(hospital.client_id, pem(hospital.key), token_endpoint_auth_method="private_key_jwt")
    proof = PrivateKeyJWT(endpoint, headers={"x5t#S256": thumbprint(hospital.certificate)}, alg="PS256")
    session.register_client_auth_method(proof)
    session.verify, session.cert = hospital.ca, certificate
    return session.fetch_token(
        endpoint, grant_type=GRANT, subject_token=token, subject_token_type=ACCESS_TOKEN, audience=hospital.fhir,
        scope="user_impersonation",
    )


def metadata(hospital):
    address = f"{hospital.authority}/v2.0/.well-known/openid-configuration"
    return requests.get(address, verify=hospital.ca, timeout=30).json()


@pytest.mark.parametrize(("profession", "allowed"), ROLES)
def test_authlib(hospital, profession, allowed):
    found = metadata(hospital)
    assert GRANT in found["grant_types_supported"]
    token = exchange(hospital, found["token_endpoint"], hospital.psc.sign_in(profession))
    assert token["issued_token_type"] == ACCESS_TOKEN
    assert 0 < token["expires_in"] <= 120
    assert hospital.tries(token["access_token"]) == allowed


@pytest.mark.parametrize(("profession", "allowed"), ROLES)
def test_openid_client(hospital, profession, allowed):
    proof = {"privateKey": pem(hospital.key), "x5t": thumbprint(hospital.certificate)}
    given = {"client_id": hospital.client_id, "certificate": proof, "proof": "certificate"}
    subject_token = hospital.psc.sign_in(profession)
    answer = play(hospital, "openid_client", "exchange", **given, subject_token=subject_token)
    assert hospital.tries(answer["access_token"]) == allowed
    hospital.psc.people.pop(subject_token)
    with pytest.raises(Failed) as refused:
        play(hospital, "openid_client", "exchange", **given, subject_token=subject_token)
    assert refused.value.members["told"] == "invalid_request"


def test_a_bound_token(hospital):
    """Authlib at the address that the metadata name for clients with a certificate."""
    found = metadata(hospital)
    back = found["mtls_endpoint_aliases"]["token_endpoint"]
    certificate = (str(hospital.chain), str(hospital.key_file))
    digest = thumbprint(hospital.certificate)
    theirs = hospital.psc.sign_in("10", cnf={"x5t#S256": digest})
    for endpoint, shown in [(found["token_endpoint"], None), (back, None)]:
        with pytest.raises(Exception, match="bound to a certificate that was not shown"):
            exchange(hospital, endpoint, theirs, shown)
    token = exchange(hospital, back, theirs, certificate)["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["cnf"] == {"x5t#S256": digest}
    for base, shown, expected in [
        (hospital.back, certificate, 200),
        (hospital.back, None, 401),
        (hospital.fhir, certificate, 401),
    ]:
        answer = requests.get(f"{base}/Patient?_count=1", headers={"authorization": f"Bearer {token}"},
                              verify=hospital.ca, cert=shown, timeout=30)
        assert answer.status_code == expected, base
