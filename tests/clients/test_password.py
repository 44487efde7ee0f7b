"""A person's password in the hands of an application: MSAL and `azure-identity` for Python, unmodified.

MSAL asks for the realm of a name at port 443, whatever port the authority has; both let their user say how requests are
sent, so these are sent to the port of the demo world.
"""

import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import UsernamePasswordCredential
from directory import Directory
from requests.adapters import HTTPAdapter

# Both libraries say that this is no way to sign people in.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class ToPort(HTTPAdapter):
    """Sends what is asked of a host without a port to this one."""

    def __init__(self, login):
        self.login = login
        super().__init__()

    def send(self, request, **options):
        rest = request.url.split("/", 3)[3]
        request.url = f"{self.login}/{rest}"
        return super().send(request, **options)


def session(world):
    session = requests.Session()
    session.verify = world.ca
    session.mount("https://localhost/common/userrealm/", ToPort(world.login))
    return session


@pytest.fixture
def switched(trusted):
    """The installed application takes passwords for the time of a test."""
    directory = Directory(trusted)
    path = f"applications/{directory.application('demo-web')['id']}"
    directory.call("PATCH", path, {"isPasswordGrantEnabled": True})
    yield directory
    directory.call("PATCH", path, {"isPasswordGrantEnabled": False})


def ask(world, person, password=None):
    app = msal.PublicClientApplication(
        world.app("demo-web")["client_id"],
        authority=world.authority,
        instance_discovery=False,
        http_client=session(world),
    )
    return app.acquire_token_by_username_password(
        person["upn"], password or person["password"], [world.user_scope]
    )


def test_it_is_off_at_first(trusted):
    answer = ask(trusted, trusted.user("secretary"))
    assert (answer["error"], answer["error_codes"]) == ("unsupported_grant_type", [70003])


def test_msal(trusted, switched):
    person = trusted.user("nurse")
    answer = ask(trusted, person)
    assert "access_token" in answer, answer
    said = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (said["oid"], said["amr"]) == (person["oid"], ["pwd"])
    assert trusted.call("GET", "Patient?_count=1", token=answer["access_token"]).status_code == 200
    wrong = ask(trusted, person, "not the password")
    assert (wrong["error"], wrong["error_codes"]) == ("invalid_grant", [50126])
    log = switched.call("GET", f"auditLogs/signIns?$filter=userId eq '{person['oid']}'&$top=1")["value"]
    assert (log[0]["authenticationProtocol"], log[0]["status"]["errorCode"]) == ("ropc", 50126)


def test_azure_identity(trusted, switched):
    person = trusted.user("nurse")
    settings = {
        "tenant_id": trusted.tenant["id"],
        "authority": trusted.login,
        "disable_instance_discovery": True,
        "transport": RequestsTransport(session=session(trusted), session_owner=False),
    }
    client = trusted.app("demo-web")["client_id"]
    credential = UsernamePasswordCredential(client, person["upn"], person["password"], **settings)
    other = UsernamePasswordCredential(client, person["upn"], "not the password", **settings)
    said = jwt.decode(credential.get_token(trusted.user_scope).token, options={"verify_signature": False})
    assert said["oid"] == person["oid"]
    with pytest.raises(ClientAuthenticationError, match="AADSTS50126"):
        other.get_token(trusted.user_scope)
