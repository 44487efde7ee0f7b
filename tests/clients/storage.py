"""Azure Blob Storage: Azurite, and before it what Azurite leaves out: a door that verifies the tokens of an installation as Azure
does (signature, issuer, audience, instants, and whether the identity has a role), by a library that we did not write."""

import base64
import http.client
import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import requests
from cluster import Authority, free_ports, wait_for
from kafka import TOOLS

ACCOUNT, CONTAINER = "devstoreaccount1", "hygie"
# The key that Azurite has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
AUDIENCE = "https://storage.azure.com"
VERSION = {"x-ms-version": "2023-11-03"}


def token_of_azurite():
    """What Azurite takes: it looks at everything but the signature, and knows the issuers of Entra ID alone."""
    claims = {"aud": AUDIENCE, "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/", "iat": 1500000000,
              "nbf": 1500000000, "exp": 4100000000, "sub": "door"}
    part = lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return ".".join(map(part, (json.dumps({"alg": "RS256", "typ": "JWT"}), json.dumps(claims), "x")))


class Azurite:
    """The emulator, over TLS, with one container."""

    def __init__(self, directory):
        program = TOOLS / "azurite/node_modules/azurite/dist/src/blob/main.js"
        assert program.exists(), f"{program} is not there: scripts/test installs it (need_azurite)"
        self.directory, [self.port] = Path(directory), free_ports(1)
        self.authority = Authority(self.directory)
        chain, key = self.authority.issue("azurite")
        self.log = self.directory / "azurite.log"
        with self.log.open("wb") as log:
            self.running = subprocess.Popen(
                ["node", str(program), "--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.data),
                 "--cert", str(chain), "--key", str(key), "--oauth", "basic", "--disableTelemetry"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.headers = {**VERSION, "Authorization": f"Bearer {token_of_azurite()}"}
        wait_for(lambda: self.log.read_text()[-2000:], self.has_container, 60)

    @property
    def data(self):
        return self.directory / "data"

    @property
    def address(self):
        return f"https://localhost:{self.port}/{ACCOUNT}"

    def ask(self, method, path="", **parameters):
        return requests.request(method, f"{self.address}/{CONTAINER}{path}", headers=self.headers, params=parameters,
                                verify=str(self.authority.file), timeout=30)

    def has_container(self):
        assert self.running.poll() is None, self.log.read_text()
        try:
            return self.ask("PUT", restype="container").status_code in (201, 409)
        except requests.RequestException:
            return False

    def names(self):
        """The blobs that a listing shows."""
        listing = self.ask("GET", restype="container", comp="list").text
        return [part.split("</Name>")[0] for part in listing.split("<Name>")[1:]]

    def blobs(self, login):
        """What a configuration says of it."""
        return (f'blobs = {{ azure = {{ endpoint = "{self.address}", account = "{ACCOUNT}", container = "{CONTAINER}", {login} }}, '
                f'authorities = "{self.authority.file}" }}')

    def close(self):
        self.running.kill()
        self.running.wait(timeout=60)


class Door:
    """Verifies each request, and hands on those of identities that have a role."""

    def __init__(self, azurite):
        self.azurite, self.issuer, self.keys, self.roles, self.identities = azurite, None, None, set(), set()
        self.refusals, self.passed = [], []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                refusal = door.judge(self.headers.get("authorization", ""))
                if refusal:
                    door.refusals.append(refusal)
                    status, code = refusal
                    self.answer(status, {"content-type": "application/xml", "x-ms-error-code": code},
                                f'<?xml version="1.0"?><Error><Code>{code}</Code></Error>'.encode())
                else:
                    self.answer(*door.hand_on(self.command, self.path, self.headers, body))

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = handle_any

            def answer(self, status, headers, body):
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "keep-alive", "content-length"):
                        self.send_header(name, value)
                length = headers.get("content-length", len(body)) if self.command == "HEAD" else len(body)
                self.send_header("content-length", str(length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/{ACCOUNT}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def blobs(self):
        return (f'blobs = {{ azure = {{ endpoint = "{self.address}", account = "{ACCOUNT}", container = "{CONTAINER}", '
                "managed_identity = true } }")

    def trust(self, issuer, keys):
        """Takes tokens of this issuer, verified by these keys."""
        self.issuer, self.keys = issuer, {key["kid"]: jwt.PyJWK(key) for key in keys["keys"]}

    def judge(self, authorization):
        """Why a request is refused: status and code."""
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer":
            return 401, "NoAuthenticationInformation"
        try:
            key = self.keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=self.issuer,
                                options={"require": ["exp", "nbf", "iat", "iss", "aud", "oid"]})
        except (jwt.PyJWTError, KeyError) as error:
            return 401, f"InvalidAuthenticationInfo: {error}"
        if claims["oid"] not in self.roles:
            return 403, "AuthorizationPermissionMismatch"
        self.passed.append(claims)
        return None

    def hand_on(self, method, path, headers, body):
        kept = {name: value for name, value in headers.items()
                if name.lower().startswith(("x-ms-", "if-", "content-", "range")) and name.lower() != "content-length"}
        kept.update(self.azurite.headers | {"x-ms-version": headers.get("x-ms-version", VERSION["x-ms-version"])})
        context = ssl.create_default_context(cafile=str(self.azurite.authority.file))
        connection = http.client.HTTPSConnection("localhost", self.azurite.port, timeout=60, context=context)
        try:
            connection.request(method, path, body=body if body or method == "PUT" else None, headers=kept)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
