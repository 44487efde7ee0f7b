"""The library `azure-identity`, unmodified, with its authority and `disable_instance_discovery` as its only settings."""

import threading
import webbrowser

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
)
from chromium import Chromium, connect_device, sign_in
from playwright.sync_api import sync_playwright


def credential(world, name, secret=None, tenant=None):
    app = world.app(name)
    return ClientSecretCredential(
        tenant or world.tenant["id"],
        app["client_id"],
        secret or app["client_secret"],
        authority=world.login,
        disable_instance_discovery=True,
    )


@pytest.mark.parametrize("name", ["fhir-reader", "fhir-writer", "fhir-contributor", "no-role"])
def test_client_secret(trusted, name):
    token = credential(trusted, name).get_token(trusted.scope)
    said = jwt.decode(token.token, options={"verify_signature": False})
    assert said["appid"] == trusted.app(name)["client_id"]
    assert token.expires_on == said["exp"] or abs(token.expires_on - said["exp"]) < 60


def test_client_certificate(trusted):
    """Its file holds the key and the certificate, as the library wants it."""
    app = trusted.app("fhir-reader")
    settings = {"authority": trusted.login, "disable_instance_discovery": True}
    path = str(trusted.data / app["certificate"])
    certified = CertificateCredential(trusted.tenant["id"], app["client_id"], path, **settings)
    token = certified.get_token(trusted.scope).token
    said = jwt.decode(token, options={"verify_signature": False})
    assert (said["appid"], said["appidacr"]) == (app["client_id"], "2")
    assert trusted.call("GET", "Patient?_count=1", token=token).status_code == 200
    # The certificate of one application is nothing to another.
    other = CertificateCredential(trusted.tenant["id"], trusted.app("fhir-writer")["client_id"], path, **settings)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        other.get_token(trusted.scope)


def test_a_wrong_secret_is_explained(trusted):
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential(trusted, "fhir-reader", secret="not-the-secret").get_token(trusted.scope)


@pytest.mark.parametrize("kind", [EnvironmentCredential, DefaultAzureCredential])
@pytest.mark.parametrize("proof", ["secret", "certificate"])
def test_settings_from_the_environment(trusted, monkeypatch, kind, proof):
    app = trusted.app("fhir-reader")
    if proof == "secret":
        monkeypatch.setenv("AZURE_CLIENT_SECRET", app["client_secret"])
    else:
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(trusted.data / app["certificate"]))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", trusted.login)
    monkeypatch.setenv("AZURE_TENANT_ID", trusted.tenant["id"])
    monkeypatch.setenv("AZURE_CLIENT_ID", app["client_id"])
    token = kind(disable_instance_discovery=True).get_token(trusted.scope).token
    assert jwt.decode(token, options={"verify_signature": False})["appidacr"] == ("1" if proof == "secret" else "2")
    assert trusted.call("GET", "Patient?_count=1", token=token).status_code == 200


def test_a_person_by_the_system_browser(trusted, monkeypatch, tmp_path):
    """The library opens "the system's browser": here a Chromium in which the doctor answers."""
    doctor = trusted.user("doctor")
    problems = []

    def person(url):
        try:
            with sync_playwright() as playwright, Chromium(playwright, trusted.ca, tmp_path) as chromium:
                page = chromium.context().new_page()
                page.goto(url)
                sign_in(page, doctor)
                page.wait_for_url("http://localhost:*/**")
        except Exception as problem:  # shown below: this is another thread
            problems.append(problem)

    opened = []

    def open_url(url, *_, **__):
        opened.append(threading.Thread(target=person, args=(url,)))
        opened[0].start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_url)
    interactive = InteractiveBrowserCredential(
        tenant_id=trusted.tenant["id"],
        client_id=trusted.app("demo-web")["client_id"],
        authority=trusted.login,
        disable_instance_discovery=True,
        timeout=60,
    )
    try:
        token = interactive.get_token(trusted.user_scope).token
    finally:
        for thread in opened:
            thread.join(timeout=60)
        assert not problems, problems
    said = jwt.decode(token, options={"verify_signature": False})
    assert said["oid"] == doctor["oid"]
    assert trusted.call("GET", "Patient?_count=1", token=token).status_code == 200
    # The second one comes silently.
    assert interactive.get_token(trusted.user_scope).token == token


def test_a_device_without_a_browser(trusted, page):
    """The library shows the code to a person, who types it in a browser elsewhere."""
    doctor = trusted.user("doctor")
    shown = []

    def prompt(uri, code, expires_on):
        shown.append(uri)
        connect_device(page, trusted.login, code, doctor)

    device = DeviceCodeCredential(
        client_id=trusted.app("demo-web")["client_id"],
        tenant_id=trusted.tenant["id"],
        authority=trusted.login,
        disable_instance_discovery=True,
        prompt_callback=prompt,
        timeout=60,
    )
    token = device.get_token(trusted.user_scope).token
    assert shown == [f"{trusted.login}/device"]
    said = jwt.decode(token, options={"verify_signature": False})
    assert (said["oid"], said["appidacr"]) == (doctor["oid"], "0")
    assert trusted.call("GET", "Patient?_count=1", token=token).status_code == 200


@pytest.fixture
def workload(trusted, monkeypatch):
    """The environment of a program with managed identities."""
    identity = trusted.demo["endpoints"]["managed_identity"]
    monkeypatch.setenv("IDENTITY_ENDPOINT", identity["endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", identity["header"])
    return identity


def test_a_managed_identity_reads(trusted, workload):
    token = ManagedIdentityCredential().get_token(trusted.scope)
    said = jwt.decode(token.token, options={"verify_signature": False})
    assert (said["appid"], said["appidacr"], said["idtyp"]) == (workload["system_assigned"], "2", "app")
    assert said["xms_mirid"].endswith("/sites/demo-workload") and said["tid"] == trusted.tenant["id"]
    assert abs(token.expires_on - said["exp"]) < 60
    assert trusted.call("GET", "Patient?_count=1", token=token.token).status_code == 200
    # The identity that it shares with others has no role.
    shared = ManagedIdentityCredential(client_id=workload["user_assigned"]).get_token(trusted.scope).token
    assert jwt.decode(shared, options={"verify_signature": False})["appid"] == workload["user_assigned"]
    assert trusted.call("GET", "Patient?_count=1", token=shared).status_code == 403


def test_what_a_managed_identity_is_refused(trusted, workload, monkeypatch):
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        ManagedIdentityCredential().get_token("https://nobody.example/.default")
    with pytest.raises(ClientAuthenticationError, match="Identity not found"):
        ManagedIdentityCredential(client_id=trusted.app("fhir-reader")["client_id"]).get_token(trusted.scope)
    monkeypatch.setenv("IDENTITY_HEADER", "another")
    with pytest.raises(ClientAuthenticationError, match="identity header"):
        ManagedIdentityCredential().get_token(trusted.scope)
