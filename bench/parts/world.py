"""A demo world that is measured: `hygie demo` on ports of its own, and plain requests towards it."""

import http.client
import json
import socket
import ssl
import subprocess
import time
import urllib.parse
import urllib.request

from . import machine

OFFSETS = 15
FHIR_JSON = "application/fhir+json"
START_LIMIT = 180


class Failed(Exception):
    """Something that was to be measured does not work; the text says what."""


def free_base_port():
    """A base port whose fixed offsets are all free."""
    for base in range(24440, 32000, OFFSETS + 1):
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
    raise Failed("no free base port")


class World:
    """`hygie demo` in a directory."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.data = directory / "world"
        self.base_port = free_base_port()
        self.process = None
        self.tokens = {}

    def start(self):
        """Starts it; gives the seconds until it is ready."""
        command = [self.binary, "demo", "--data", self.data, "--base-port", str(self.base_port)]
        began = time.monotonic()
        with (self.directory / "hygie.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() - began > START_LIMIT:
                raise Failed(f"hygie did not start: see {self.directory / 'hygie.log'}")
            time.sleep(0.005)
        ready_after = time.monotonic() - began
        demo = json.loads((self.data / "demo.json").read_text())
        self.tls = ssl.create_default_context(cafile=self.data / demo["ca_certificate"])
        self.login = demo["endpoints"]["login"]
        self.workspace = demo["workspaces"][0]
        self.service = self.workspace["fhir"][0]
        self.tenant = next(tenant for tenant in demo["tenants"] if tenant["id"] == self.workspace["tenant"])
        return ready_after

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.base_port + 10}/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        """Asks it to stop, and waits."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)

    @property
    def pid(self):
        return self.process.pid

    @property
    def fhir(self):
        """Base address of the FHIR service."""
        return self.service["base"]

    def cpu(self):
        """CPU seconds of the process so far."""
        return machine.cpu_of(self.pid)

    def token_request(self, app):
        """Address and form of the token request of an application (RFC 6749 §4.4)."""
        client = next(client for client in self.tenant["apps"] if client["name"] == app)
        form = {
            "grant_type": "client_credentials",
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "scope": f"{self.service['audience']}/.default",
        }
        return f"{self.login}/{self.tenant['id']}/oauth2/v2.0/token", urllib.parse.urlencode(form)

    def token(self, app):
        """A token of an application, asked for once."""
        if app not in self.tokens:
            self.tokens[app] = self.new_tokens(app, 1)[0]
        return self.tokens[app]

    def new_tokens(self, app, count):
        """So many tokens, each of its own."""
        url, form = self.token_request(app)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with self.connection(url) as connection:
            return [json.loads(connection.ask("POST", url, headers, form))["access_token"] for _ in range(count)]

    def connection(self, url):
        """A connection to the host of an address."""
        return Connection(urllib.parse.urlsplit(url), self.tls)

    def headers(self, app):
        """Of a FHIR request by an application."""
        return {"Authorization": f"Bearer {self.token(app)}", "Accept": FHIR_JSON, "Content-Type": FHIR_JSON}

    def get(self, url):
        """A resource or bundle, as `fhir-reader`; `url` is whole or relative to the base."""
        url = url if url.startswith("https://") else f"{self.fhir}/{url}"
        with self.connection(url) as connection:
            return json.loads(connection.ask("GET", url, self.headers("fhir-reader")))

    def pages(self, url, count):
        """The first pages of a search and the address of each: `count` of them, or as many as there are."""
        url = f"{self.fhir}/{url}"
        with self.connection(url) as connection:
            for _ in range(count):
                bundle = json.loads(connection.ask("GET", url, self.headers("fhir-reader")))
                yield url, bundle
                url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
                if url is None:
                    return

    def load(self, *files, options=()):
        """`hygie load`; gives its summary and the CPU seconds that the service used for it."""
        command = [self.binary, "load", self.fhir, *files, *options, "--data", self.data, "--json"]
        before = self.cpu()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        used = self.cpu() - before
        if done.returncode != 0:
            raise Failed(f"hygie load: {(done.stderr or done.stdout)[-1000:]}")
        return json.loads(done.stdout.splitlines()[-1]), used


class Connection:
    """One connection that is kept open."""

    def __init__(self, address, tls):
        self.connection = http.client.HTTPSConnection(address.hostname, address.port, context=tls, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, method, url, headers, body=None):
        """The body of the answer."""
        address = urllib.parse.urlsplit(url)
        self.connection.request(method, f"{address.path}?{address.query}".rstrip("?"), body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise Failed(f"{method} {url}: {answer.status} {text[:300].decode(errors='replace')}")
        return text
