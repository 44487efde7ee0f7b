"""Workload identity federation: `azure-identity`, unmodified, with a token file in place of a secret."""

import jwt
import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential
from directory import Directory
from nodes import play

AUDIENCE = "api://AzureADTokenExchange"


@pytest.fixture
def federated(trusted, tmp_path, monkeypatch):
    """`fhir-reader` trusts tokens of `no-role`, which are in a file."""
    directory = Directory(trusted)
    found = directory.call("GET", f"servicePrincipals?$filter=servicePrincipalNames/any(n:n eq '{AUDIENCE}')")["value"]
    if not found:
        exchange = directory.call("POST", "applications", {"displayName": "Exchange", "identifierUris": [AUDIENCE]})
        directory.call("POST", "servicePrincipals", {"appId": exchange["appId"]})
    robot = trusted.app("no-role")
    app = msal.ConfidentialClientApplication(
        robot["client_id"],
        client_credential=robot["client_secret"],
        authority=trusted.authority,
        instance_discovery=False,
    )
    answer = app.acquire_token_for_client([f"{AUDIENCE}/.default"])
    assert "access_token" in answer, answer
    said = jwt.decode(answer["access_token"], options={"verify_signature": False})
    file = tmp_path / "token"
    file.write_text(answer["access_token"])
    reader = directory.application("fhir-reader")
    path = f"applications/{reader['id']}/federatedIdentityCredentials"
    trust = {"name": "robot", "issuer": said["iss"], "subject": said["sub"], "audiences": [AUDIENCE]}
    made = directory.call("POST", path, trust)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", trusted.login)
    monkeypatch.setenv("AZURE_TENANT_ID", trusted.tenant["id"])
    monkeypatch.setenv("AZURE_CLIENT_ID", trusted.app("fhir-reader")["client_id"])
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    yield directory, f"{path}/{made['id']}"
    directory.call("DELETE", f"{path}/robot", expected=(204, 404))


@pytest.mark.parametrize("kind", [WorkloadIdentityCredential, DefaultAzureCredential])
def test_workload_identity(trusted, federated, kind):
    directory, path = federated
    token = kind(disable_instance_discovery=True).get_token(trusted.scope).token
    said = jwt.decode(token, options={"verify_signature": False})
    assert (said["appid"], said["appidacr"]) == (trusted.app("fhir-reader")["client_id"], "2")
    assert trusted.call("GET", "Patient?_count=1", token=token).status_code == 200
    # The same of Node, which has its settings from this environment.
    for_node = play(trusted, "azure_identity", "workload", scope=trusted.scope)
    assert jwt.decode(for_node, options={"verify_signature": False})["appidacr"] == "2"
    directory.call("PATCH", path, {"subject": "somebody else"})
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        WorkloadIdentityCredential(disable_instance_discovery=True).get_token(trusted.scope)
    directory.call("DELETE", path)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700211"):
        WorkloadIdentityCredential(disable_instance_discovery=True).get_token(trusted.scope)
