"""Resource servers as others write them accept our tokens: by PyJWT, by jsonwebtoken, jwks-rsa and jose for Node, and by Spring
Security."""

import jvm
import jwt
import msal
import pytest
import requests
from chromium import arrivals, sign_in
from nodes import Failed, play


@pytest.fixture(scope="module")
def tokens(world, chromium):
    """Of an application and of a person, for the FHIR service (version 1) and for the demo's server (version 2), each
    with its issuer and its audience."""
    server, fhir = world.app("demo-server"), world.demo["workspaces"][0]["fhir"][0]["audience"]
    server_scope = server["scope"].rsplit("/", 1)[0] + "/.default"
    of_app = world.app("fhir-reader")
    with arrivals() as listener, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", world.ca)
        application = msal.ConfidentialClientApplication(
            of_app["client_id"],
            client_credential=of_app["client_secret"],
            authority=world.authority,
            instance_discovery=False,
        )
        person = msal.PublicClientApplication(
            world.app("demo-web")["client_id"], authority=world.authority, instance_discovery=False
        )
        context = chromium.context()
        page = context.new_page()
        flow = person.initiate_auth_code_flow([world.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, world.user("nurse"))
        person.acquire_token_by_auth_code_flow(flow, listener.next(page))
        context.close()
        [account] = person.get_accounts()
        version_1 = [
            application.acquire_token_for_client([world.scope]),
            person.acquire_token_silent([world.user_scope], account),
        ]
        version_2 = [
            application.acquire_token_for_client([server_scope]),
            person.acquire_token_silent([server["scope"]], account),
        ]
    given = {
        "1.0": {"audience": fhir, "tokens": version_1, "metadata": ""},
        "2.0": {"audience": server["client_id"], "tokens": version_2, "metadata": "/v2.0"},
    }
    for version in given.values():
        version["tokens"] = [got["access_token"] for got in version["tokens"]]
        version["metadata"] = f"{world.authority}{version['metadata']}/.well-known/openid-configuration"
    return given


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_for_node(world, tokens, version):
    given = tokens[version]
    asked = [{"token": token, "audience": given["audience"]} for token in given["tokens"]]
    for one, other in play(world, "resource_server", "accept", tokens=asked, discovery=given["metadata"]):
        assert one == other
        assert (one["ver"], one["tid"]) == (version, world.tenant["id"])


def test_for_node_a_token_of_another_version_is_refused(world, tokens):
    asked = [{"token": tokens["2.0"]["tokens"][0], "audience": tokens["2.0"]["audience"]}]
    with pytest.raises(Failed, match="issuer"):
        play(world, "resource_server", "accept", tokens=asked, discovery=tokens["1.0"]["metadata"])
    asked[0]["audience"] = tokens["1.0"]["audience"]
    with pytest.raises(Failed, match="audience"):
        play(world, "resource_server", "accept", tokens=asked, discovery=tokens["2.0"]["metadata"])


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_for_python(trusted, tokens, version):
    given = tokens[version]
    found = requests.get(given["metadata"], timeout=30).json()
    published = {key["kid"]: key for key in requests.get(found["jwks_uri"], timeout=30).json()["keys"]}
    kinds = []
    for token in given["tokens"]:
        key = jwt.PyJWK(published[jwt.get_unverified_header(token)["kid"]])
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=found["issuer"],
            audience=given["audience"],
            options={"require": ["exp", "nbf", "iat", "sub", "tid", "oid", "ver"]},
        )
        kinds.append(claims.get("idtyp") or claims["scp"])
    assert kinds == ["app", {"1.0": "user_impersonation", "2.0": "access_as_user"}[version]]


@pytest.mark.skipif(not jvm.IS_THERE, reason="Java and Maven are not here")
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_for_spring(trusted, tokens, version):
    """It looks for the metadata below the issuer, and wants that these name the same one."""
    issuer = requests.get(tokens[version]["metadata"], timeout=30).json()["issuer"]
    for token in tokens[version]["tokens"]:
        claims = jvm.play(trusted, "Spring", "accept", issuer=issuer, token=token)
        assert claims == {**jwt.decode(token, options={"verify_signature": False}), "aud": [tokens[version]["audience"]]}
    other = tokens["1.0" if version == "2.0" else "2.0"]["tokens"][0]
    with pytest.raises(Failed, match="iss"):
        jvm.play(trusted, "Spring", "accept", issuer=issuer, token=other)
