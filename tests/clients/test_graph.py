"""The directory API: the Graph client of Microsoft for Node, unmodified, and the calls of the script of the PSC guide."""

import json

import msal
import pytest
import requests
from chromium import arrivals, sign_in
from nodes import play, secret


@pytest.fixture
def graph(world):
    return world.demo["endpoints"]["graph"]


def token(world, name, scope):
    app = msal.ConfidentialClientApplication(
        world.app(name)["client_id"],
        client_credential=world.app(name)["client_secret"],
        authority=world.authority,
        instance_discovery=False,
    )
    answer = app.acquire_token_for_client([scope])
    assert "access_token" in answer, answer
    return answer["access_token"]


def get(world, address, bearer, **options):
    return requests.get(
        address, headers={"Authorization": f"Bearer {bearer}"}, verify=world.ca, timeout=30, **options
    )


def test_the_graph_client_reads_everybody_page_by_page(world, graph):
    seen = play(world, "graph_client", "everybody", graph=graph, **secret(world, "directory-admin"))
    expected = sorted(user["upn"] for user in world.tenant["users"])
    assert (sorted(seen["names"]), seen["first"]) == (expected, 2)


def test_the_graph_client_finds(world, graph):
    nurse = world.user("nurse")
    given = {"graph": graph, "name": "demo-web", "upn": nurse["upn"], **secret(world, "directory-admin")}
    seen = play(world, "graph_client", "found", **given)
    assert seen["principals"] == [world.app("demo-web")["client_id"]]
    assert (seen["user"]["id"], seen["user"]["displayName"]) == (nurse["oid"], nurse["display_name"])
    assert seen["again"] == seen["begins"] == [nurse["oid"]]
    names = [user["displayName"] for user in seen["counted"]["value"]]
    assert names == sorted(names, key=str.lower, reverse=True)
    assert seen["counted"]["@odata.count"] == len(world.tenant["users"])


def test_the_graph_client_is_told_why_not(world, graph):
    seen = play(world, "graph_client", "refused", graph=graph, **secret(world, "no-role"))
    assert (seen["statusCode"], seen["code"]) == (403, "Authorization_RequestDenied")
    assert seen["message"] == "Insufficient privileges to complete the operation."
    assert seen["requestId"]


def test_the_graph_client_writes_and_is_told_what_changed(trusted, graph):
    given = {"graph": graph, **secret(trusted, "directory-admin")}
    upn = f"paul.durand@{trusted.tenant['domain']}"
    made = play(trusted, "graph_client", "written", upn=upn, **given)
    assert made["members"] == [made["user"]]
    assert made["twice"] == {"statusCode": 400, "code": "Request_BadRequest"}
    batched = play(trusted, "graph_client", "batched", user=made["user"], **given)
    assert batched == {"statuses": [200, 204, 404], "department": "Cardiologie"}
    changed = play(trusted, "graph_client", "changed", user=made["user"], **given)
    assert changed["count"] == len(trusted.tenant["users"]) + 1
    assert changed["after"] == [{"id": made["user"], "@removed": {"reason": "changed"}}]
    bearer = token(trusted, "directory-admin", f"{graph}/.default")
    headers = {"Authorization": f"Bearer {bearer}"}
    gone = requests.delete(f"{graph}/v1.0/groups/{made['group']}", headers=headers, verify=trusted.ca, timeout=30)
    assert gone.status_code == 204, gone.text


def test_an_application_that_the_graph_client_made_gets_tokens(trusted, graph):
    made = play(trusted, "graph_client", "granted", graph=graph, **secret(trusted, "directory-admin"))
    assert made["scope"] == "User.Read"
    app = msal.ConfidentialClientApplication(
        made["client_id"],
        client_credential=made["secret"],
        authority=trusted.authority,
        instance_discovery=False,
    )
    answer = app.acquire_token_for_client([f"{graph}/.default"])
    assert "access_token" in answer, answer
    found = get(trusted, f"{graph}/v1.0/users?$select=id", answer["access_token"])
    assert found.status_code == 200, found.text


@pytest.mark.parametrize("name", ["address", "microsoft"])
def test_the_first_call_of_the_script_of_the_psc_guide(trusted, graph, name):
    resource = graph if name == "address" else "https://graph.microsoft.com"
    bearer = token(trusted, "directory-admin", f"{resource}/.default")
    found = get(trusted, f"{graph}/v1.0/servicePrincipals?$filter=DisplayName eq 'demo-web'", bearer)
    assert found.status_code == 200, found.text
    assert [one["appId"] for one in found.json()["value"]] == [trusted.app("demo-web")["client_id"]]


def test_a_person_sees_themselves_and_nobody_else(trusted, graph, page):
    nurse, doctor = trusted.user("nurse"), trusted.user("doctor")
    app = msal.PublicClientApplication(
        trusted.app("demo-web")["client_id"], authority=trusted.authority, instance_discovery=False
    )
    with arrivals() as listener:
        flow = app.initiate_auth_code_flow([f"{graph}/User.Read"], redirect_uri=listener.uri)
        page.goto(flow["auth_uri"])
        sign_in(page, nurse)
        got = app.acquire_token_by_auth_code_flow(flow, listener.next(page))
    assert got.get("error") is None, got
    [account] = app.get_accounts()
    kept = app.acquire_token_silent([f"{graph}/User.Read"], account)
    assert kept["access_token"] == got["access_token"]
    me = get(trusted, f"{graph}/v1.0/me", got["access_token"])
    assert (me.status_code, me.json()["userPrincipalName"]) == (200, nurse["upn"])
    assert get(trusted, f"{graph}/v1.0/users/{doctor['oid']}", got["access_token"]).status_code == 403
    told = get(trusted, f"{graph}/oidc/userinfo", got["access_token"])
    assert told.status_code == 200, told.text
    assert told.json()["sub"]


def test_tokens_for_data_services_open_nothing(world, graph):
    refused = get(world, f"{graph}/v1.0/users", world.token("fhir-reader"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def psc_policy(app, emergency):
    """As the guide has it made by hand."""
    return {
        "displayName": "AC02-ProSantéConnect-Session4hAvecMFA-Global-ToutePlateforme-PourANS",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": [app]},
            "users": {"includeUsers": ["All"], "excludeUsers": [emergency]},
        },
        "sessionControls": {
            "signInFrequency": {
                "isEnabled": True,
                "value": 4,
                "type": "hours",
                "frequencyInterval": "timeBased",
                "authenticationType": "primaryAndSecondaryAuthentication",
            }
        },
    }


STRENGTH = {
    "displayName": "FA01-ProSantéConnect",
    "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
}


def test_the_graph_client_administers_policies_and_asks_what_if(world, graph):
    app, doctor = world.app("no-role")["client_id"], world.user("doctor")["oid"]
    given = {
        "graph": graph,
        "policy": psc_policy(app, doctor),
        "strength": STRENGTH,
        "included": world.user("nurse")["oid"],
        "excluded": doctor,
        **secret(world, "directory-admin"),
    }
    seen = play(world, "graph_client", "policies", **given)
    assert (seen["state"], seen["strength"]) == ("enabledForReportingButNotEnforced", "FA01-ProSantéConnect")
    assert "FA01-ProSantéConnect" in seen["custom"]
    assert seen["answers"] == {"in": [True, "notSet"], "out": [False, "users"]}
    assert seen["refused"] == [400, "it is used by '" + given["policy"]["displayName"] + "'"]
    assert seen["gone"] == [404, "Request_ResourceNotFound"]


def test_both_calls_of_the_script_of_the_psc_guide(trusted, graph, tmp_path):
    bearer = token(trusted, "directory-admin", f"{graph}/.default")
    headers = {"Authorization": f"Bearer {bearer}"}

    def post(path, document):
        made = requests.post(f"{graph}/v1.0/{path}", json=document, headers=headers, timeout=30)
        assert made.status_code == 201, made.text
        return made.json()

    def remove(path, made):
        gone = requests.delete(f"{graph}/v1.0/{path}/{made['id']}", headers=headers, timeout=30)
        assert gone.status_code == 204, gone.text

    app = trusted.app("no-role")["client_id"]
    strength = post("policies/authenticationStrengthPolicies", STRENGTH)
    policy = psc_policy(app, trusted.user("doctor")["oid"])
    policy["grantControls"] = {"operator": "OR", "authenticationStrength": {"id": strength["id"]}}
    made = post("identity/conditionalAccess/policies", policy)
    try:
        found = get(trusted, f"{graph}/v1.0/servicePrincipals?$filter=DisplayName eq 'no-role'", bearer)
        app_id = found.json()["value"][0]["appId"]
        answer = get(trusted, f"{graph}/v1.0/identity/conditionalAccess/policies", bearer).json()
    finally:
        remove("identity/conditionalAccess/policies", made)
        remove("policies/authenticationStrengthPolicies", strength)
    kept = [
        one
        for one in answer["value"]
        if app_id in one["conditions"]["applications"]["includeApplications"] and one["state"] == "enabled"
    ]
    assert [one["id"] for one in kept] == [made["id"]]
    # What is exported is what is checked.
    exported = tmp_path / "policies.json"
    exported.write_text(json.dumps(kept), encoding="utf-8")
    checked = trusted.run("psc", "check", exported, "--app", app_id, "--json")
    assert (checked.returncode, json.loads(checked.stdout)["verdict"]) == (0, "conforms"), checked.stdout
