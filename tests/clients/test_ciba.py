"""OpenID CIBA over the wire: a server asks for a person whom it names, who answers in a real browser."""

import time

import jwt
import pytest
import requests
from chromium import sign_in
from directory import Directory
from test_pages import LOOKS, check, complain

GRANT = "urn:openid:params:grant-type:ciba"


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(look))
def person(request, chromium):
    context = chromium.context(*request.param)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: complain(page, message))
    page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
    yield page
    context.close()


@pytest.fixture
def server(trusted):
    """`demo-server` may ask for people for the time of a test."""
    directory = Directory(trusted)
    app = trusted.app("demo-server")
    path = f"applications/{directory.application('demo-server')['id']}"
    directory.call("PATCH", path, {"isBackchannelAuthenticationEnabled": True})
    yield {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    directory.call("PATCH", path, {"isBackchannelAuthenticationEnabled": False})


def endpoints(world):
    address = f"{world.authority}/v2.0/.well-known/openid-configuration"
    return requests.get(address, verify=world.ca, timeout=30).json()


def ask(world, server, person, **more):
    metadata = endpoints(world)
    assert "poll" in metadata["backchannel_token_delivery_modes_supported"]
    assert GRANT in metadata["grant_types_supported"]
    address = metadata["backchannel_authentication_endpoint"]
    return world.post_form(address, **server, scope="openid profile", login_hint=person["upn"], **more)


def poll(world, server, asked):
    return world.post_form(
        endpoints(world)["token_endpoint"], **server, grant_type=GRANT, auth_req_id=asked["auth_req_id"]
    )


@pytest.mark.parametrize("says", ["yes", "no"])
def test_a_person_answers_a_server(trusted, server, person, says):
    # Who said no is left alone by that application for a while: each refusal is somebody else's.
    language = person.evaluate("navigator.language")[:2]
    named = trusted.user("nurse" if says == "yes" else {"fr": "doctor", "en": "secretary"}[language])
    answer = ask(trusted, server, named, binding_message="Dossier K7-42")
    assert answer.status_code == 200, answer.text
    asked = answer.json()
    assert poll(trusted, server, asked).json()["error"] == "authorization_pending"
    time.sleep(1)
    person.goto(f"{trusted.authority}/approvals")
    sign_in(person, named)
    person.locator("main h1").wait_for()
    person.locator("main article").first.wait_for()
    assert "Dossier K7-42" in person.locator("main").inner_text()
    check(person, "approvals")
    person.locator("main article", has_text="Dossier K7-42").locator("button").click()
    # A proof that is younger than the request is enough.
    person.locator("main button[name=answer]").first.wait_for()
    assert "Dossier K7-42" in person.locator("main").inner_text()
    check(person, "approval")
    person.locator(f"main button[name=answer][value={says}]").click()
    person.locator("main button[name=answer]").first.wait_for(state="detached")
    check(person, f"approval answered {says}")
    assert not person.complaints
    time.sleep(5)
    answer = poll(trusted, server, asked)
    if says == "no":
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
        again = ask(trusted, server, named, binding_message="Dossier K7-43")
        assert again.status_code == 429, again.text
        return
    assert answer.status_code == 200, answer.text
    said = jwt.decode(answer.json()["id_token"], options={"verify_signature": False})
    assert (said["oid"], said["aud"]) == (named["oid"], server["client_id"])


def test_nobody_is_asked_for_who_may_not(trusted, server):
    nurse = trusted.user("nurse")
    wrong = {**server, "client_secret": "wrong"}
    assert ask(trusted, wrong, nurse).status_code == 401
    nobody = ask(trusted, server, {"upn": f"nobody@{trusted.tenant['domain']}"})
    assert nobody.json()["error"] == "unknown_user_id"
    Directory(trusted).call(
        "PATCH",
        f"applications/{Directory(trusted).application('demo-server')['id']}",
        {"isBackchannelAuthenticationEnabled": False},
    )
    assert ask(trusted, server, nurse).json()["error"] == "unauthorized_client"
