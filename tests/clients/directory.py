"""The directory API, as the administrator's application of the demo world calls it."""

import msal
import requests


class Directory:
    """Calls with the permissions of `directory-admin`."""

    def __init__(self, world):
        self.world = world
        self.base = f"{world.demo['endpoints']['graph']}/v1.0"
        app = msal.ConfidentialClientApplication(
            world.app("directory-admin")["client_id"],
            client_credential=world.app("directory-admin")["client_secret"],
            authority=world.authority,
            instance_discovery=False,
        )
        answer = app.acquire_token_for_client([f"{world.demo['endpoints']['graph']}/.default"])
        assert "access_token" in answer, answer
        self.headers = {"Authorization": f"Bearer {answer['access_token']}"}

    def call(self, method, path, body=None, expected=(200, 201, 204)):
        answer = requests.request(
            method, f"{self.base}/{path}", json=body, headers=self.headers, verify=self.world.ca, timeout=30
        )
        assert answer.status_code in expected, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def application(self, name):
        """The object of an application of the demo world."""
        return self.call("GET", f"applications(appId='{self.world.app(name)['client_id']}')")
