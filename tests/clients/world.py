"""A running demo world: the binary `hygie`, its address, its accounts, and plain HTTP towards it."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("HYGIE_BIN", REPOSITORY / "target/debug/hygie"))
OFFSETS = 15
FHIR_JSON = "application/fhir+json"


def free_base_port(first=20440):
    """A base port whose fixed offsets are all free."""
    for base in range(first, 32000, OFFSETS + 1):
        held = []
        try:
            for offset in range(OFFSETS):
                listener = socket.socket()
                held.append(listener)
                listener.bind(("127.0.0.1", base + offset))
            return base
        except OSError:
            continue
        finally:
            for listener in held:
                listener.close()
    raise RuntimeError("no free base port")


class World:
    """`hygie demo` on ports of its own."""

    def __init__(self, directory, domain=None, binary=BINARY, base_port=None):
        self.binary = binary
        self.directory = Path(directory)
        self.data = self.directory / "world"
        self.log = self.directory / "hygie.log"
        self.base_port = base_port or free_base_port()
        self.domain = domain
        self.process = None
        self.tokens = {}

    def start(self, later=None):
        """Starts it; `later` moves its clock ("+2h")."""
        command = [str(self.binary), "demo", "--data", str(self.data), "--base-port", str(self.base_port)]
        command += ["--domain", self.domain] if self.domain else []
        command = ["faketime", "-f", later, *command] if later else command
        before = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self.environment()
            )
        health = f"http://localhost:{self.base_port + 10}/ready"
        while True:
            try:
                if requests.get(health, timeout=5).status_code == 200:
                    break
            except requests.RequestException:
                pass
            if self.process.poll() is not None:
                raise RuntimeError(f"hygie stopped with {self.process.returncode}:\n{self.logged()[-4000:]}")
            if time.monotonic() - before > 180:
                raise RuntimeError(f"hygie is not ready:\n{self.logged()[-4000:]}")
            time.sleep(0.05)
        self.started_in = time.monotonic() - before
        self.demo = json.loads((self.data / "demo.json").read_text())
        return self

    def environment(self):
        """The environment of a new process; None for that of the tests."""
        return None

    def stop(self):
        """Asks it to stop, as a service manager does; gives its exit status."""
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self):
        """Ends it without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=60)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def logged(self):
        return self.log.read_text(errors="replace")

    def run(self, *arguments, timeout=600):
        """Another command of the same binary."""
        return subprocess.run(
            [str(self.binary), *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout, check=False, env=self.environment(),
        )

    @property
    def ca(self):
        return str(self.data / self.demo["ca_certificate"])

    @property
    def login(self):
        return self.demo["endpoints"]["login"]

    @property
    def fhir(self):
        return self.demo["workspaces"][0]["fhir"][0]["base"]

    @property
    def scope(self):
        return self.demo["workspaces"][0]["fhir"][0]["audience"] + "/.default"

    @property
    def user_scope(self):
        return self.demo["workspaces"][0]["fhir"][0]["audience"] + "/user_impersonation"

    @property
    def tenant(self):
        """The establishment that owns the workspace."""
        owner = self.demo["workspaces"][0]["tenant"]
        return next(tenant for tenant in self.demo["tenants"] if tenant["id"] == owner)

    @property
    def other_tenant(self):
        return next(tenant for tenant in self.demo["tenants"] if tenant["id"] != self.tenant["id"])

    @property
    def authority(self):
        return f"{self.login}/{self.tenant['id']}"

    def app(self, name):
        return next(app for app in self.tenant["apps"] if app["name"] == name)

    def user(self, name):
        return next(user for user in self.tenant["users"] if user["name"] == name)

    def role_of(self, app):
        """The role of an application on the FHIR service, or None."""
        principals = (app, self.app(app)["client_id"])
        roles = [given["role"] for given in self.demo["role_assignments"] if given["principal"] in principals]
        return roles[0] if roles else None

    def token(self, app):
        """A token of this application for the FHIR service, by the plain protocol."""
        if app not in self.tokens:
            client = self.app(app)
            answer = self.post_form(
                f"{self.authority}/oauth2/v2.0/token",
                grant_type="client_credentials",
                client_id=client["client_id"],
                client_secret=client["client_secret"],
                scope=self.scope,
            )
            assert answer.status_code == 200, answer.text
            self.tokens[app] = answer.json()["access_token"]
        return self.tokens[app]

    def post_form(self, url, **form):
        return requests.post(url, data=form, verify=self.ca, timeout=60)

    def call(self, method, path, token=None, app=None, **options):
        """A request to the FHIR service; `path` is relative to its base."""
        url = path if path.startswith("https://") else f"{self.fhir}/{path}".rstrip("/")
        headers = {"Accept": FHIR_JSON, **options.pop("headers", {})}
        if app:
            token = self.token(app)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if "json" in options:
            headers.setdefault("Content-Type", FHIR_JSON)
            options["data"] = json.dumps(options.pop("json"))
        return requests.request(method, url, headers=headers, verify=self.ca, timeout=120, **options)
