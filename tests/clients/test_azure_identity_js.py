"""The package `@azure/identity`, unmodified, with its authority and `disableInstanceDiscovery` as its only settings."""

import os
import threading

import jwt
import pytest
from chromium import arrivals, connect_device, sign_in
from nodes import Failed, certificate, play, secret


def said(token):
    return jwt.decode(token, options={"verify_signature": False})


def reads(world, token):
    return world.call("GET", "Patient?_count=1", token=token).status_code == 200


@pytest.mark.parametrize(
    ("scenario", "proof", "method"),
    [("secret", secret, "1"), ("certificate", certificate, "2"), ("assertion", certificate, "2")],
)
def test_an_application(world, scenario, proof, method):
    """By its secret, by the file that holds key and certificate, and by an assertion that it signs itself."""
    token = play(world, "azure_identity", scenario, **proof(world, "fhir-reader"), scope=world.scope)
    assert (said(token)["appid"], said(token)["appidacr"]) == (world.app("fhir-reader")["client_id"], method)
    assert reads(world, token)


def test_a_wrong_secret_is_explained(world):
    wrong = {**secret(world, "fhir-reader"), "secret": "not-the-secret"}
    with pytest.raises(Failed, match="AADSTS7000215"):
        play(world, "azure_identity", "secret", **wrong, scope=world.scope)


@pytest.mark.parametrize("proof", ["secret", "certificate"])
def test_settings_from_the_environment(world, proof):
    app = world.app("fhir-reader")
    by_certificate = {"AZURE_CLIENT_CERTIFICATE_PATH": str(world.data / app["certificate"])}
    environment = {
        "AZURE_AUTHORITY_HOST": world.login,
        "AZURE_TENANT_ID": world.tenant["id"],
        "AZURE_CLIENT_ID": app["client_id"],
        **({"AZURE_CLIENT_SECRET": app["client_secret"]} if proof == "secret" else by_certificate),
    }
    tokens = play(world, "azure_identity", "environment", environment=environment, scope=world.scope)
    assert [reads(world, token) for token in tokens] == [True, True]


def test_a_password_in_the_hands_of_an_application_is_refused(world):
    nurse = world.user("nurse")
    with pytest.raises(Failed, match="AADSTS70003"):
        play(
            world,
            "azure_identity",
            "password",
            client_id=world.app("demo-web")["client_id"],
            upn=nurse["upn"],
            password=nurse["password"],
            scope=world.user_scope,
        )


def test_a_person_by_the_system_browser(world, page, tmp_path):
    """The library starts the browser by `xdg-open`, which asks $BROWSER; here that hands the address to a Chromium."""
    asked, browser = tmp_path / "asked", tmp_path / "browser"
    os.mkfifo(asked)
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {asked}\n')
    browser.chmod(0o700)
    tokens = []
    library = threading.Thread(
        target=lambda: tokens.extend(
            play(
                world,
                "azure_identity",
                "browser",
                environment={"BROWSER": str(browser), "DISPLAY": ""},
                client_id=world.app("demo-web")["client_id"],
                scope=world.user_scope,
            )
        )
    )
    library.start()
    page.goto(asked.read_text())
    sign_in(page, world.user("doctor"))
    page.wait_for_url("http://localhost:*/**")
    library.join(timeout=60)
    first, second = tokens
    assert first == second
    assert said(first)["oid"] == world.user("doctor")["oid"]
    assert reads(world, first)


def test_a_device_without_a_browser(world, page):
    nurse = world.user("nurse")
    token = play(
        world,
        "azure_identity",
        "device",
        lambda code: connect_device(page, world.login, code, nurse),
        client_id=world.app("demo-web")["client_id"],
        scope=world.user_scope,
    )
    assert said(token)["oid"] == nurse["oid"]
    assert reads(world, token)


def test_a_server_signs_a_person_in_and_calls_on_behalf_of_her(world, page):
    with arrivals() as listener:

        def visit(url):
            page.goto(url)
            sign_in(page, world.user("nurse"))
            return listener.next(page)

        given = {**secret(world, "demo-server"), "redirect_uri": f"{listener.uri}/callback"}
        token = play(world, "azure_identity", "code", visit, **given, scope=world.user_scope)
    assert said(token)["oid"] == world.user("nurse")["oid"]
    assert reads(world, token)
    # It was called with a token that is not for it.
    with pytest.raises(Failed, match="AADSTS500131|AADSTS50013"):
        play(world, "azure_identity", "onBehalfOf", **secret(world, "demo-server"), called=token, scope=world.user_scope)
