"""An installation for production: PostgreSQL over TLS, two processes `hygie serve`, and nginx in front of them, which sends
each request to the next of the two."""

import datetime
import grp
import html.parser
import ipaddress
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from world import BINARY, FHIR_JSON

VERSIONS = Path("/usr/lib/postgresql")
ADMINISTRATOR, PASSWORD = "admin@ch.test", "Correct horse 9"
REDIRECT = "http://localhost"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
UNPRIVILEGED = "postgres" if os.geteuid() == 0 else None


def free_ports(count):
    """Ports that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for listener in held:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()


def wait_for(what, holds, seconds=90):
    """Waits until `holds` is true; `what` says what was waited for in vain."""
    before = time.monotonic()
    while not holds():
        assert time.monotonic() - before < seconds, what() if callable(what) else what
        time.sleep(0.02)
    return time.monotonic() - before


class Authority:
    """Who signs the certificates of PostgreSQL, of the processes and of nginx."""

    def __init__(self, directory):
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        self.file = directory / "ca.pem"
        made = self.certificate(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certificate(self, subject, key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name):
        """A certificate for this machine, and its key; gives both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = self.certificate(subject, key.public_key(), names, x509.BasicConstraints(ca=False, path_length=None))
        return write_pair(self.directory, name, made, key)


def write_pair(directory, name, certificate, key):
    chain, private = directory / f"{name}.pem", directory / f"{name}.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return chain, private


class Postgres:
    """A server of our own over TCP with TLS, whose user has a password."""

    def __init__(self, authority):
        newest = max(VERSIONS.iterdir(), key=lambda version: int(version.name))
        # Not where the tests keep their files: it runs as somebody else, who may not go there.
        self.binaries, self.directory = newest / "bin", Path(tempfile.mkdtemp(prefix="hygie-pg-"))
        directory = self.directory
        [self.port] = free_ports(1)
        self.password = uuid.uuid4().hex
        chain, key = authority.issue("postgresql")
        (directory / "password").write_text(self.password)
        for file in (chain, key):
            copy = directory / file.name
            copy.write_bytes(file.read_bytes())
            copy.chmod(0o600)
        self.own(directory)
        self.run("initdb", "-D", self.data, "-U", "hygie", "--auth=scram-sha-256", f"--pwfile={directory / 'password'}",
                 "--encoding=UTF8", "--locale=C", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\nssl = on\n"
                f"ssl_cert_file = '{directory / chain.name}'\nssl_key_file = '{directory / key.name}'\n"
                "max_pred_locks_per_transaction = 256\nlog_error_verbosity = terse\n"
            )
        self.start()
        self.create("hygie")

    @property
    def data(self):
        return self.directory / "data"

    @property
    def address(self):
        return f"postgresql://hygie@localhost:{self.port}/hygie"

    def own(self, path):
        if UNPRIVILEGED:
            user, group = pwd.getpwnam(UNPRIVILEGED).pw_uid, grp.getgrnam(UNPRIVILEGED).gr_gid
            for one in [path, *path.rglob("*")]:
                os.chown(one, user, group)

    def run(self, program, *arguments):
        """Runs a program of PostgreSQL as a user whom it accepts."""
        command = [str(self.binaries / program), *map(str, arguments)]
        if UNPRIVILEGED:
            command = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups", "--", *command]
        environment = {**os.environ, "PGPASSWORD": self.password, "PGSSLMODE": "require", "LC_ALL": "C",
                       "HOME": str(self.directory)}
        ran = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, timeout=120, check=False,
                             stdin=subprocess.DEVNULL)
        assert ran.returncode == 0, f"{program}: {ran.stderr}{ran.stdout}"
        return ran.stdout.strip()

    def start(self):
        command = f"'{self.binaries}/pg_ctl' -D '{self.data}' -l '{self.directory}/log' -w start >/dev/null 2>&1"
        self.shell(command)

    def stop(self):
        self.shell(f"'{self.binaries}/pg_ctl' -D '{self.data}' -m immediate stop >/dev/null 2>&1")
        shutil.rmtree(self.directory)

    def shell(self, command):
        # Nothing is captured: the server that is started would hold the pipes open.
        start = ["sh", "-c", command]
        if UNPRIVILEGED:
            start = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups", "--", *start]
        ran = subprocess.run(start, cwd="/", timeout=120, check=False, stdin=subprocess.DEVNULL)
        assert ran.returncode == 0, (self.directory / "log").read_text()[-2000:]

    def create(self, database):
        self.client("createdb", "--template=template0", "--encoding=UTF8", "--locale=C", database)

    def client(self, program, *arguments):
        """Runs a program that connects to the server."""
        return self.run(program, "-h", "localhost", "-p", self.port, "-U", "hygie", *arguments)

    def psql(self, sql):
        return self.client("psql", "-d", "hygie", "-qtA", "-c", sql)


class Process:
    """One `hygie serve`: its directory, its configuration, its ports."""

    def __init__(self, cluster, name):
        self.cluster, self.directory = cluster, cluster.directory / name
        self.data, self.config, self.log = self.directory / "data", self.directory / "hygie.toml", self.directory / "log"
        self.login_port, self.fhir_port, self.health_port = free_ports(3)
        self.directory.mkdir(mode=0o700)
        chain, key = cluster.authority.issue(name)
        self.config.write_text(cluster.configuration(self, chain, key))
        self.running = None

    @property
    def login(self):
        return f"https://localhost:{self.login_port}/{self.cluster.tenant}"

    @property
    def fhir(self):
        return f"https://localhost:{self.fhir_port}/ch/fhir"

    def move_to(self, data, database):
        """From its next start on it has this directory and this database."""
        text = self.config.read_text().replace(f'data = "{self.data}"', f'data = "{data}"')
        self.config.write_text(text.replace('/hygie"\n', f'/{database}"\n'))
        self.data = data

    def start(self):
        """Starts it, without waiting until it is ready."""
        environment = {**os.environ, **self.cluster.secrets()}
        with self.log.open("ab") as log:
            self.running = subprocess.Popen([str(BINARY), "serve", "--config", str(self.config)], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def is_ready(self):
        assert self.running.poll() is None, f"it stopped with {self.running.returncode}:\n{self.logged()[-4000:]}"
        try:
            return requests.get(f"http://127.0.0.1:{self.health_port}/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait(self):
        wait_for(lambda: f"not ready:\n{self.logged()[-4000:]}", self.is_ready)

    def kill(self):
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait(timeout=60)

    def stop(self):
        os.killpg(self.running.pid, signal.SIGTERM)
        return self.running.wait(timeout=60)

    def logged(self):
        return self.log.read_text(errors="replace")

    def run_plain(self, *arguments):
        """A command of a client, without a configuration."""
        return subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False)

    def run(self, command, *arguments, password=None):
        """Another command over the same configuration."""
        environment = {**os.environ, **self.cluster.secrets(password)}
        return subprocess.run([str(BINARY), command, *map(str, arguments), "--config", str(self.config)], env=environment,
                              capture_output=True, text=True, timeout=300, check=False)


class Fields(html.parser.HTMLParser):
    """The form of a page that asks for a name or a password: where it goes and what it carries."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append((attributes.get("action"), {}))
        elif tag == "input" and self.forms and attributes.get("name"):
            self.forms[-1][1][attributes["name"]] = attributes.get("value") or ""

    @property
    def asked(self):
        return next(form for form in self.forms if "username" in form[1])


class Cluster:
    """Everything together; or, with `files`, one process alone whose data are in files, with more of a configuration."""

    def __init__(self, directory, files=None):
        self.directory = Path(directory)
        self.authority = Authority(self.directory)
        self.tenant, self.fhir_app, self.loader, self.viewer = (str(uuid.uuid4()) for _ in range(4))
        self.login_port, self.fhir_port = free_ports(2)
        (self.directory / "keys").mkdir(mode=0o700)
        (self.directory / "keys/master.key").touch(mode=0o600)
        (self.directory / "keys/master.key").write_text(os.urandom(32).hex())
        self.loader_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loader")])
        self.loader_certificate = self.authority.certificate(name, self.loader_key.public_key())
        write_pair(self.directory, "loader", self.loader_certificate, self.loader_key)
        self.files, self.postgres = files, None if files else Postgres(self.authority)
        self.processes = [Process(self, name) for name in (["alone"] if files else ["one", "two"])]
        self.nginx = None

    def storage(self):
        return self.files or f"""
[storage.postgres]
address = "{self.postgres.address}"
password = {{ env = "DATABASE_PASSWORD" }}
authorities = "{self.authority.file}"
at_rest = "volume"
"""

    def configuration(self, process, chain, key):
        return f"""
data = "{process.data}"
trusted_proxies = ["127.0.0.1"]
{self.storage().strip()}
[master_key]
file = "{self.directory}/keys/master.key"
[health]
listen = "127.0.0.1:{process.health_port}"
[login]
url = "https://localhost:{self.login_port}"
listen = "127.0.0.1:{process.login_port}"
certificate = "{chain}"
key = "{key}"
[fhir]
url = "https://localhost:{self.fhir_port}"
listen = "127.0.0.1:{process.fhir_port}"
certificate = "{chain}"
key = "{key}"
[[tenants]]
id = "{self.tenant}"
domain = "ch.test"
display_name = "Centre hospitalier"
security_defaults = false
administrator = {{ upn = "{ADMINISTRATOR}", password_env = "ADMIN_PASSWORD" }}
applications = [
  {{ app = "{self.loader}", display_name = "Loader", certificate = "{self.directory}/loader.pem", directory_permissions = ["User.Read.All"] }},
  {{ app = "{self.viewer}", display_name = "Viewer", redirect_uris = ["{REDIRECT}"], fhir = ["ch/fhir"] }},
]
[[workspaces]]
name = "ch"
tenant = "{self.tenant}"
fhir = [{{ name = "fhir", app = "{self.fhir_app}" }}]
role_assignments = [
  {{ app = "{self.loader}", role = "FHIR Data Contributor" }},
  {{ user = "{ADMINISTRATOR}", role = "FHIR Data Reader" }},
]
"""

    def start(self):
        """Both processes at once, on an empty database."""
        for process in self.processes:
            process.start()
        for process in self.processes:
            process.wait()
        self.start_nginx()
        return self

    def secrets(self, password=None):
        """What the environment of a process has."""
        database = {} if self.files else {"DATABASE_PASSWORD": password or self.postgres.password}
        return {"ADMIN_PASSWORD": PASSWORD, **database}

    def start_nginx(self):
        chain, key = self.authority.issue("nginx")
        ports = {"login": self.login_port, "fhir": self.fhir_port}
        parts = []
        for name, port in ports.items():
            servers = "".join(
                f"server 127.0.0.1:{getattr(process, name + '_port')} fail_timeout=1s; " for process in self.processes
            )
            parts.append(f"""
  upstream {name} {{ {servers} keepalive 8; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    location / {{
      proxy_pass https://{name};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_ssl_server_name on;
      proxy_ssl_name localhost;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {self.authority.file};
    }}
  }}""")
        home = self.directory / "nginx"
        home.mkdir()
        temporary = "".join(f"{kind}_temp_path {home}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
{"user root;" if UNPRIVILEGED else ""}
events {{ worker_connections 512; }}
http {{
  log_format served '$upstream_addr';
  access_log {home}/served.log served;
  client_max_body_size 64m;
  {temporary}
  ssl_certificate {chain}; ssl_certificate_key {key};
{"".join(parts)}
}}
""")
        with (home / "output").open("wb") as log:
            self.nginx = subprocess.Popen(["nginx", "-p", str(home), "-c", str(home / "nginx.conf")],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

        def answers():
            assert self.nginx.poll() is None, (home / "output").read_text() + (home / "error.log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.fhir_port)) == 0

        wait_for("nginx does not answer", answers)

    def served(self):
        """How often nginx sent a request to each address."""
        lines = (self.directory / "nginx/served.log").read_text().split()
        return {line: lines.count(line) for line in set(lines)}

    def close(self):
        if self.nginx:
            self.nginx.terminate()
            self.nginx.wait(timeout=30)
        for process in self.processes:
            if process.running and process.running.poll() is None:
                process.kill()
        if self.postgres:
            self.postgres.stop()

    # Clients.

    @property
    def login(self):
        return f"https://localhost:{self.login_port}/{self.tenant}"

    @property
    def fhir(self):
        return f"https://localhost:{self.fhir_port}/ch/fhir"

    @property
    def scope(self):
        return f"{self.fhir}/user_impersonation openid offline_access"

    def token_endpoint(self, at=None):
        return f"{at or self.login}/oauth2/v2.0/token"

    def post(self, url, **form):
        return requests.post(url, data=form, verify=str(self.authority.file), timeout=60)

    def loader_token(self, at=None, service="fhir", scope=None):
        """A token of the application that loads, which proves itself by its certificate, for a service of the workspace."""
        now = int(time.time())
        claims = {"aud": self.token_endpoint(), "iss": self.loader, "sub": self.loader, "jti": uuid.uuid4().hex,
                  "nbf": now - 60, "exp": now + 300}
        print_of = self.loader_certificate.fingerprint(hashes.SHA256())
        header = {"x5t#S256": jwt.utils.base64url_encode(print_of).decode()}
        return self.post(
            self.token_endpoint(at),
            grant_type="client_credentials",
            client_id=self.loader,
            scope=scope or f"{self.fhir.removesuffix('fhir')}{service}/.default",
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            client_assertion=jwt.encode(claims, self.loader_key, algorithm="RS256", headers=header),
        )

    def browser(self):
        session = requests.Session()
        session.verify = str(self.authority.file)
        return session

    def authorize(self, browser, **more):
        """The authorization request; the answer of the first page."""
        query = {"client_id": self.viewer, "response_type": "code", "redirect_uri": REDIRECT, "scope": self.scope,
                 "code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": uuid.uuid4().hex, **more}
        return browser.get(f"{self.login}/oauth2/v2.0/authorize", params=query, allow_redirects=False, timeout=60)

    def sign_in(self, browser=None):
        """Fills in the pages as a person does, each request to another process; gives the code."""
        if browser is None:
            with self.browser() as browser:
                return self.sign_in(browser)
        answer = self.authorize(browser)
        for value in ({"username": ADMINISTRATOR}, {"username": ADMINISTRATOR, "password": PASSWORD}):
            if answer.status_code != 200:
                break
            action, members = Fields(answer.text).asked
            form = {**members, **value}
            answer = browser.post(urljoin(answer.url, action), data=form, allow_redirects=False, timeout=60)
        if answer.status_code >= 500:
            raise requests.RequestException(f"{answer.status_code} while signing in")
        assert answer.status_code in (302, 303), (answer.status_code, answer.text[-1500:])
        arrived = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert "code" in arrived, arrived
        return arrived["code"][0]

    def redeem(self, code, at=None):
        return self.post(self.token_endpoint(at), grant_type="authorization_code", client_id=self.viewer, code=code,
                         redirect_uri=REDIRECT, code_verifier=VERIFIER, scope=self.scope)

    def refresh(self, token, at=None):
        return self.post(self.token_endpoint(at), grant_type="refresh_token", client_id=self.viewer, refresh_token=token,
                         scope=self.scope)

    def call(self, method, path, token, at=None, resource=None):
        """A request to the FHIR service: through nginx, or to one process."""
        headers = {"Authorization": f"Bearer {token}", "Accept": FHIR_JSON, "Content-Type": FHIR_JSON}
        body = json.dumps(resource) if resource else None
        url = path if path.startswith("https://") else f"{at or self.fhir}/{path}"
        return requests.request(method, url, headers=headers, data=body, verify=str(self.authority.file), timeout=60)
