"""An installation whose tenant exchanges tokens of Pro Santé Connect: `hygie serve`, and a stand-in for Pro Santé Connect
whose keys and tokens are made by other libraries than ours."""

import base64
import datetime
import json
import os
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import requests
from cluster import free_ports, wait_for, write_pair
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm
from world import BINARY, FHIR_JSON

REALM = "/auth/realms/esante-wallet"
SERVICE, STRUCTURE = "dossier-patient", "F0B0999999"


class ProSanteConnect:
    """Discovery, keys, introspection and UserInfo, as observed on the sandbox."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.secret, self.people = uuid.uuid4().hex, {}
        psc = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(psc.told(self.path, self.headers.get("authorization", "")))

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                self.answer(psc.introspected(self.path, self.headers.get("authorization", ""), form))

            def answer(self, document):
                body = json.dumps(document).encode()
                self.send_response(200 if document is not None else 401)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.issuer = f"http://{self.host}{REALM}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, path, authorization):
        protocol = f"{self.issuer}/protocol/openid-connect"
        match path.removeprefix(REALM):
            case "/.well-known/wallet-openid-configuration":
                return {
                    "issuer": self.issuer,
                    "introspection_endpoint": f"{protocol}/token/introspect",
                    "userinfo_endpoint": f"{protocol}/userinfo",
                    "jwks_uri": f"{protocol}/certs",
                }
            case "/protocol/openid-connect/certs":
                public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
                return {"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]}
            case "/protocol/openid-connect/userinfo":
                return self.people.get(authorization.removeprefix("Bearer "))
        return None

    def introspected(self, path, authorization, form):
        expected = base64.b64encode(f"hygie:{self.secret}".encode()).decode()
        if not path.endswith("/token/introspect") or authorization != f"Basic {expected}":
            return None
        [token] = form["token"]
        if token not in self.people:
            return {"active": False}
        claims = jwt.decode(token, options={"verify_signature": False})
        return {**claims, "client_id": claims["azp"], "active": True}

    def sign_in(self, profession, **more):
        """The access token of somebody who exercises this profession."""
        now, national_id = int(time.time()), f"8997009{uuid.uuid4().int % 100000:05}"
        subject = f"f:{uuid.uuid4()}:{national_id}"
        claims = {
            "exp": now + 120, "iat": now, "auth_time": now - 5, "jti": str(uuid.uuid4()), "iss": self.issuer, "sub": subject,
            "typ": "Bearer", "azp": SERVICE, "nonce": uuid.uuid4().hex, "acr": "eidas3", "scope": "openid scope_all",
            "authMode": "CARD", "preferred_username": national_id, **more,
        }
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "1"})
        self.people[token] = {
            "sub": subject, "SubjectNameID": national_id, "given_name": "ALIX", "family_name": "EXEMPLE",
            "SubjectRole": [f"{profession}^1.2.250.1.213.1.1.5.5"],
            "SubjectRefPro": {"exercices": [{
                "codeProfession": profession, "codeCategorieProfessionnelle": "C",
                "activities": [{"identifiantTechniqueDeLaStructure": STRUCTURE}],
            }]},
        }
        return token


class Hospital:
    """`hygie serve` on ports of its own. Physicians of the structure may write, nurses read."""

    def __init__(self, directory, psc):
        self.psc, self.directory = psc, Path(directory)
        self.log, self.process = self.directory / "log", None
        self.login_port, self.fhir_port, self.back_port, self.health_port = free_ports(4)
        self.tenant, self.client_id = {"id": str(uuid.uuid4())}, str(uuid.uuid4())
        for folder in ("keys", "srv/data"):
            (self.directory / folder).mkdir(parents=True, mode=0o700)
        self.private("keys/master.key", os.urandom(32).hex())
        self.private("keys/psc.secret", psc.secret)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = self.certified(self.key)
        self.chain, self.key_file = write_pair(self.directory, "client", self.certificate, self.key)
        self.private("hygie.toml", self.configuration())

    def private(self, name, text):
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)

    @staticmethod
    def certified(key):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dossier")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        return builder.sign(key, hashes.SHA256())

    def configuration(self):
        return f"""
data = "srv/data"
master_key = {{ file = "keys/master.key" }}
health = {{ listen = "127.0.0.1:{self.health_port}" }}
login = {{ url = "https://localhost:{self.login_port}", listen = "127.0.0.1:{self.login_port}" }}
fhir = {{ url = "https://localhost:{self.fhir_port}", listen = "127.0.0.1:{self.fhir_port}" }}
back_channel = {{ url = "https://localhost:{self.back_port}", listen = "127.0.0.1:{self.back_port}" }}
outgoing = {{ private_hosts = ["{self.psc.host}"] }}
[[tenants]]
id = "{self.tenant["id"]}"
domain = "ch.test"
display_name = "Centre hospitalier"
security_defaults = false
applications = [{{ app = "{self.client_id}", display_name = "Dossier", certificate = "client.pem", fhir = ["ch/fhir"] }}]
[tenants.psc]
issuer = "{self.psc.issuer}"
client_id = "hygie"
client_secret = {{ file = "keys/psc.secret" }}
clients = [{{ app = "{self.client_id}", services = ["{SERVICE}"] }}]
[[workspaces]]
name = "ch"
tenant = "{self.tenant["id"]}"
fhir = [{{ name = "fhir", app = "{uuid.uuid4()}" }}]
role_assignments = [
  {{ professions = ["10"], structures = ["{STRUCTURE}"], role = "FHIR Data Writer" }},
  {{ professions = ["60"], structures = ["{STRUCTURE}"], role = "FHIR Data Reader" }},
]
"""

    def start(self):
        command = [str(BINARY), "serve", "--config", str(self.directory / "hygie.toml")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: f"not ready:\n{self.logged()[-4000:]}", self.is_ready)
        return self

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=60)

    def logged(self):
        return self.log.read_text(errors="replace")

    def is_ready(self):
        assert self.process.poll() is None, f"hygie stopped:\n{self.logged()[-4000:]}"
        try:
            return requests.get(f"http://127.0.0.1:{self.health_port}/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    @property
    def ca(self):
        return str(self.directory / "srv/data/ca.pem")

    @property
    def login(self):
        return f"https://localhost:{self.login_port}"

    @property
    def authority(self):
        return f"{self.login}/{self.tenant['id']}"

    @property
    def fhir(self):
        return f"https://localhost:{self.fhir_port}/ch/fhir"

    @property
    def back(self):
        return f"https://localhost:{self.back_port}/ch/fhir"

    def tries(self, token):
        """Whether the bearer of a token reads, and whether they write."""
        header = {"authorization": f"Bearer {token}", "content-type": FHIR_JSON}
        read = requests.get(f"{self.fhir}/Patient?_count=1", headers=header, verify=self.ca, timeout=30)
        body = json.dumps({"resourceType": "Patient"})
        written = requests.post(f"{self.fhir}/Patient", data=body, headers=header, verify=self.ca, timeout=30)
        return read.status_code, written.status_code
