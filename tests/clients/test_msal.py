"""The library `msal`, unmodified, with the authority and `instance_discovery=False` as its only settings."""

import base64
import time
from urllib.parse import parse_qs

import jwt
import msal
import pytest
import requests
from chromium import arrivals, connect_device, sign_in
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from people import patient

APPS = [
    "fhir-reader",
    "fhir-writer",
    "fhir-exporter",
    "fhir-importer",
    "fhir-contributor",
    "fhir-converter",
    "fhir-smart",
    "no-role",
]


def pem(world, name):
    """The file with the key and the certificate of an application, its key, and its certificate."""
    text = (world.data / world.app(name)["certificate"]).read_text()
    return text, serialization.load_pem_private_key(text.encode(), None), x509.load_pem_x509_certificate(text.encode())


@pytest.mark.parametrize(("form", "header"), [("thumbprint", ("RS256", "x5t")), ("certificate", ("PS256", "x5t#S256"))])
def test_each_form_of_assertion(trusted, form, header):
    """By the SHA-1 thumbprint as older versions signed, by that of SHA-256 as the library does by default."""
    text, _, certificate = pem(trusted, "fhir-reader")
    credential = {"private_key": text}
    if form == "thumbprint":
        credential["thumbprint"] = certificate.fingerprint(hashes.SHA1()).hex()
    else:
        credential["public_certificate"] = certificate.public_bytes(serialization.Encoding.PEM).decode()
    sent = []
    client = requests.Session()
    client.hooks["response"].append(lambda answer, **_: sent.append(answer.request.body))
    app = msal.ConfidentialClientApplication(
        trusted.app("fhir-reader")["client_id"],
        client_credential=credential,
        authority=trusted.authority,
        instance_discovery=False,
        http_client=client,
    )
    answer = app.acquire_token_for_client([trusted.scope])
    assert "access_token" in answer, answer
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["appidacr"] == "2"
    assertion = parse_qs(sent[-1])["client_assertion"][0]
    said = jwt.get_unverified_header(assertion)
    assert (said["alg"], header[1] in said) == (header[0], True), said


def test_an_assertion_of_our_own(trusted):
    """What is kept may be sent again; what was changed may not."""
    app = trusted.app("fhir-reader")
    _, key, certificate = pem(trusted, "fhir-reader")
    endpoint, now = f"{trusted.authority}/oauth2/v2.0/token", int(time.time())
    said = {"iss": app["client_id"], "sub": app["client_id"], "aud": endpoint, "exp": now + 300, "jti": "1"}
    header = {"x5t#S256": b64(certificate.fingerprint(hashes.SHA256()))}
    form = {
        "grant_type": "client_credentials",
        "scope": trusted.scope,
        "client_id": app["client_id"],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }

    def ask(**changed):
        form["client_assertion"] = jwt.encode({**said, **changed}, key, "RS256", header)
        return requests.post(endpoint, form, timeout=10)

    assert [ask().status_code for _ in range(2)] == [200, 200]
    for wrong in ({"aud": "https://elsewhere.example"}, {"exp": now - 600}, {"exp": now + 10**8}, {"sub": "x"}):
        answer = ask(**wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), (wrong, answer.text)


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def confidential(world, name, secret=None, **settings):
    app = world.app(name)
    settings = settings or {"authority": world.authority, "instance_discovery": False}
    return msal.ConfidentialClientApplication(
        app["client_id"], client_credential=secret or app["client_secret"], **settings
    )


def public(world, cache=None):
    client_id = world.app("demo-web")["client_id"]
    return msal.PublicClientApplication(
        client_id, authority=world.authority, instance_discovery=False, token_cache=cache
    )


def claims(world, token):
    """The claims, by another library and the published keys."""
    keys = requests.get(f"{world.authority}/discovery/v2.0/keys", verify=world.ca, timeout=30).json()
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == kid)
    audience = world.demo["workspaces"][0]["fhir"][0]["audience"]
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience)


@pytest.mark.parametrize("name", APPS)
def test_each_application_gets_a_token(trusted, name):
    got = confidential(trusted, name).acquire_token_for_client([trusted.scope])
    assert got["token_type"] == "Bearer", got
    said = claims(trusted, got["access_token"])
    app = trusted.app(name)
    assert said["iss"] == f"{trusted.login}/{trusted.tenant['id']}/"
    assert (said["ver"], said["tid"], said["appid"], said["appidacr"]) == (
        "1.0",
        trusted.tenant["id"],
        app["client_id"],
        "1",
    )
    assert {"aio", "rh", "uti", "oid", "sub", "idp", "iat", "nbf", "exp"} <= said.keys()


def test_the_second_token_comes_from_the_cache(trusted):
    app = confidential(trusted, "fhir-reader")
    first = app.acquire_token_for_client([trusted.scope])
    second = app.acquire_token_for_client([trusted.scope])
    assert first["token_source"] == "identity_provider"
    assert second["token_source"] == "cache"
    assert second["access_token"] == first["access_token"]


def test_the_generic_oidc_authority_works_as_well(trusted):
    app = confidential(trusted, "fhir-reader", oidc_authority=f"{trusted.authority}/v2.0")
    assert "access_token" in app.acquire_token_for_client([trusted.scope])


def test_the_domain_names_the_tenant(trusted):
    authority = f"{trusted.login}/{trusted.tenant['domain']}"
    app = confidential(trusted, "fhir-reader", authority=authority, instance_discovery=False)
    got = app.acquire_token_for_client([trusted.scope])
    assert claims(trusted, got["access_token"])["tid"] == trusted.tenant["id"]


def test_a_wrong_secret(trusted):
    got = confidential(trusted, "fhir-reader", secret="not-the-secret").acquire_token_for_client([trusted.scope])
    assert got["error"] == "invalid_client"
    assert got["error_codes"] == [7000215], got


def test_an_unknown_application(trusted):
    app = msal.ConfidentialClientApplication(
        "11111111-2222-3333-4444-555555555555",
        client_credential="secret",
        authority=trusted.authority,
        instance_discovery=False,
    )
    got = app.acquire_token_for_client([trusted.scope])
    assert (got["error"], got["error_codes"]) == ("unauthorized_client", [700016]), got


def test_an_unknown_resource(trusted):
    got = confidential(trusted, "fhir-reader").acquire_token_for_client(["https://nobody.example/.default"])
    assert (got["error"], got["error_codes"]) == ("invalid_resource", [500011]), got


def test_an_unknown_tenant(trusted):
    with pytest.raises(ValueError, match="nobody.example|tenant|AADSTS90002"):
        confidential(
            trusted,
            "fhir-reader",
            authority=f"{trusted.login}/nobody.example",
            instance_discovery=False,
        ).acquire_token_for_client([trusted.scope])


def test_an_application_of_another_tenant_is_unknown_here(trusted):
    foreign = trusted.other_tenant["apps"][0]
    app = msal.ConfidentialClientApplication(
        foreign["client_id"],
        client_credential=foreign["client_secret"],
        authority=trusted.authority,
        instance_discovery=False,
    )
    assert app.acquire_token_for_client([trusted.scope])["error_codes"] == [700016]


def test_a_person_signs_in_and_stays_signed_in(trusted, page):
    nurse, cache = trusted.user("nurse"), msal.TokenCache()
    app = public(trusted, cache)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, nurse)
        got = app.acquire_token_by_auth_code_flow(flow, listener.next(page))
    assert got.get("error") is None, got
    assert got["id_token_claims"]["preferred_username"] == nurse["upn"]
    assert (got["id_token_claims"]["oid"], got["id_token_claims"]["tid"]) == (nurse["oid"], trusted.tenant["id"])
    said = claims(trusted, got["access_token"])
    assert (said["oid"], said["scp"]) == (nurse["oid"], "user_impersonation")

    # The account is in the cache; a token is there, and a new one comes by the refresh token.
    [account] = app.get_accounts()
    assert (account["username"], account["realm"]) == (nurse["upn"], trusted.tenant["id"])
    assert account["home_account_id"] == f"{nurse['oid']}.{trusted.tenant['id']}"
    kept = app.acquire_token_silent([trusted.user_scope], account)
    assert kept["access_token"] == got["access_token"]
    renewed = app.acquire_token_silent([trusted.user_scope], account, force_refresh=True)
    assert renewed["access_token"] != got["access_token"]
    assert claims(trusted, renewed["access_token"])["oid"] == nurse["oid"]

    # Another process with a copy of the cache redeems the same refresh token within the grace.
    refresh = got["refresh_token"] if "refresh_token" in got else None
    if refresh is None:
        [stored] = list(cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN))
        refresh = stored["secret"]
    for _ in range(2):
        again = public(trusted).acquire_token_by_refresh_token(refresh, [trusted.user_scope])
        assert "access_token" in again, again


@pytest.mark.parametrize(("who", "reads"), [("nurse", 200), ("doctor", 200), ("secretary", 403)])
def test_a_person_reads_patients_by_her_own_role(trusted, page, who, reads):
    app = public(trusted)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, trusted.user(who))
        token = app.acquire_token_by_auth_code_flow(flow, listener.next(page))["access_token"]
    found = trusted.call("GET", "Patient?_count=5", token=token)
    assert found.status_code == reads, found.text
    if reads == 200:
        assert [entry["resource"]["resourceType"] for entry in found.json()["entry"]] == ["Patient"] * 5
    # Nobody of them may write.
    assert trusted.call("POST", "Patient", token=token, json=patient()).status_code == 403


def test_the_answer_can_come_back_as_a_form(trusted, page):
    """`response_mode=form_post`, which the library recommends: the page that posts it passes its own CSP."""
    app = public(trusted)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow(
            [trusted.user_scope], redirect_uri=listener.uri, response_mode="form_post"
        )
        page.goto(flow["auth_uri"])
        sign_in(page, trusted.user("nurse"))
        assert "access_token" in app.acquire_token_by_auth_code_flow(flow, listener.next(page))


def test_a_code_is_used_once_and_by_who_asked(trusted, page):
    app = public(trusted)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, trusted.user("nurse"))
        arrived = listener.next(page)
        form = {
            "client_id": app.client_id,
            "grant_type": "authorization_code",
            "code": arrived["code"],
            "redirect_uri": listener.uri,
            "scope": trusted.user_scope,
        }
        token = f"{trusted.authority}/oauth2/v2.0/token"
        thief = trusted.post_form(token, **form, code_verifier="a" * 43)
        assert (thief.status_code, thief.json()["error"]) == (400, "invalid_grant"), thief.text
        assert thief.json()["error_codes"] == [501481], thief.text
        second = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(second["auth_uri"])
        arrived = listener.next(page)
    first = app.acquire_token_by_auth_code_flow(second, arrived)
    assert "access_token" in first, first
    again = app.acquire_token_by_auth_code_flow(second, arrived)
    assert (again["error"], again["error_codes"]) == ("invalid_grant", [54005]), again


def test_one_sign_in_serves_the_next_application(trusted, page):
    app = public(trusted)
    for turn in range(2):
        with arrivals() as listener:
            flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
            page.goto(flow["auth_uri"])
            if turn == 0:
                sign_in(page, trusted.user("doctor"))
            assert "access_token" in app.acquire_token_by_auth_code_flow(flow, listener.next(page))


def test_prompt_none_without_a_session_comes_back_with_login_required(trusted, page):
    app = public(trusted)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri, prompt="none")
        page.goto(flow["auth_uri"])
        got = app.acquire_token_by_auth_code_flow(flow, listener.next(page))
    assert got["error"] in ("login_required", "interaction_required"), got


def test_prompt_login_asks_again(trusted, page):
    app = public(trusted)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, trusted.user("nurse"))
        listener.next(page)
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri, prompt="login")
        page.goto(flow["auth_uri"])
        page.locator("input[type=password]:visible, input[name=username]:visible").first.wait_for()
        assert page.url.startswith(trusted.login)


def test_signing_out_ends_the_session(trusted, page):
    app = public(trusted)
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, trusted.user("nurse"))
        listener.next(page)
        page.goto(f"{trusted.authority}/oauth2/v2.0/logout")
        leave = page.locator("main form button.primary")
        if leave.count():
            leave.click()
        page.wait_for_load_state()
        flow = app.initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        page.locator("input[name=username]:visible").wait_for()


def test_a_wrong_redirect_uri_is_told_to_the_person_and_never_followed(trusted, page):
    flow = public(trusted).initiate_auth_code_flow([trusted.user_scope], redirect_uri="https://thief.example/back")
    answer = page.goto(flow["auth_uri"])
    assert answer.status == 400
    assert page.url.startswith(trusted.login)
    assert "AADSTS50011" in page.content()


def test_a_wrong_password_keeps_the_name_and_tells_nothing_else(trusted, page):
    nurse = trusted.user("nurse")
    with arrivals() as listener:
        flow = public(trusted).initiate_auth_code_flow([trusted.user_scope], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, nurse, password="not-the-password")
        assert page.locator("main").get_by_text(nurse["upn"]).count() > 0
        assert page.locator("input[type=password]").get_attribute("aria-invalid") == "true"
        page.locator("input[type=password]").fill(nurse["password"])
        page.locator("main button.primary").click()
        assert "code" in listener.next(page)


def test_a_device_without_a_browser(trusted, page):
    app, nurse = public(trusted), trusted.user("nurse")
    flow = app.initiate_device_flow([trusted.user_scope])
    assert flow["user_code"] in flow["message"], flow
    # Nobody has signed in: the library asks once and is told to wait.
    flow["expires_at"], ends = 0, flow["expires_at"]
    assert app.acquire_token_by_device_flow(flow)["error"] == "authorization_pending"
    connect_device(page, trusted.login, flow["user_code"], nurse)
    time.sleep(flow["interval"])
    flow["expires_at"] = ends
    got = app.acquire_token_by_device_flow(flow)
    assert claims(trusted, got["access_token"])["oid"] == nurse["oid"], got
    account = app.get_accounts(nurse["upn"])[0]
    again = app.acquire_token_silent([trusted.user_scope], account, force_refresh=True)
    assert again["access_token"] != got["access_token"]


def test_a_device_that_nobody_wanted(trusted, page):
    app = public(trusted)
    flow = app.initiate_device_flow([trusted.user_scope])
    connect_device(page, trusted.login, flow["user_code"], trusted.user("nurse"), answer="no")
    got = app.acquire_token_by_device_flow(flow)
    assert got["error"] == "authorization_declined", got


def test_an_application_between_two_others(trusted, page):
    """The public client calls it for the nurse; it calls the FHIR service on her behalf."""
    nurse, middle = trusted.user("nurse"), trusted.app("demo-server")
    with arrivals() as listener:
        app = public(trusted)
        flow = app.initiate_auth_code_flow([middle["scope"]], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, nurse)
        called_with = app.acquire_token_by_auth_code_flow(flow, listener.next(page))["access_token"]
    # What was made for it opens nothing else.
    assert trusted.call("GET", "Patient?_count=1", token=called_with).status_code == 401
    service = confidential(trusted, "demo-server")
    got = service.acquire_token_on_behalf_of(called_with, [trusted.user_scope])
    said = claims(trusted, got["access_token"])
    assert (said["oid"], said["appid"], said["scp"]) == (nurse["oid"], middle["client_id"], "user_impersonation")
    assert trusted.call("GET", "Patient?_count=1", token=got["access_token"]).status_code == 200
    # Another application cannot use it, nor this one the token for another.
    other = confidential(trusted, "fhir-reader").acquire_token_on_behalf_of(called_with, [trusted.user_scope])
    assert other["error"] == "invalid_grant" and 500131 in other["error_codes"], other
    back = confidential(trusted, "demo-server").acquire_token_on_behalf_of(got["access_token"], [trusted.user_scope])
    assert back["error"] == "invalid_grant", back
