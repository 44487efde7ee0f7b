"""The program as its operator meets it: command line, addresses, files, health, and hosts of their own by `--domain`."""

import json
import os
import socket
import ssl
import subprocess

import pytest
import requests
from chromium import Chromium, arrivals, sign_in
from world import BINARY, OFFSETS, World


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        ([], 2),
        (["brew"], 2),
        (["demo", "--base-port", "many"], 2),
        (["demo", "--base-port", "65530"], 2),
        (["demo", "--domain", "no domain", "--data", "{empty}"], 2),
        (["demo", "--data", "{occupied}"], 2),
        (["check-config", "--config", "{empty}/none.toml"], 2),
        (["verify", "--data", "{empty}"], 2),
        (["load", "https://localhost:1/demo/fhir", "{empty}/none.json", "--data", "{empty}"], 2),
    ],
)
def test_a_wrong_command_gets_one_clear_line(tmp_path, arguments, status):
    (tmp_path / "empty").mkdir()
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied/thesis.odt").write_text("years of work")
    places = {"empty": tmp_path / "empty", "occupied": tmp_path / "occupied"}
    ran = subprocess.run(
        [str(BINARY), *(argument.format(**places) for argument in arguments)],
        capture_output=True, text=True, timeout=60, check=False,
        cwd=tmp_path / "empty", env={**os.environ, "RUST_BACKTRACE": "1"},
    )
    assert ran.returncode == status, ran.stderr
    if status == 0:
        assert ran.stdout and not ran.stderr
    elif arguments:
        [line] = ran.stderr.splitlines()
        assert line.startswith("hygie: ") and len(line) < 300, line
    assert [path.name for path in (tmp_path / "occupied").iterdir()] == ["thesis.odt"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_world_has_one_process(world):
    again = world.run("demo", "--data", world.data, "--base-port", world.base_port, timeout=60)
    assert again.returncode == 1
    [line] = again.stderr.splitlines()
    assert "in use" in line


def test_it_listens_on_this_machine_only(world):
    listening = set()
    for name, width in (("tcp", 8), ("tcp6", 32)):
        with open(f"/proc/{world.process.pid}/net/{name}") as table:
            for line in table.readlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                address, port = local.split(":")
                if state == "0A" and world.base_port <= int(port, 16) < world.base_port + OFFSETS:
                    assert len(address) == width
                    listening.add(address)
    assert listening == {"0100007F"}, listening


def test_health_needs_no_token_and_tells_no_secret(world):
    health = world.demo["endpoints"]["health"]
    for path in ("live", "ready"):
        assert requests.get(f"{health}/{path}", timeout=10).status_code == 200
    world.token("fhir-reader")
    metrics = requests.get(f"{health}/metrics", timeout=10)
    assert metrics.status_code == 200
    assert "http" in metrics.text and len(metrics.text.splitlines()) > 10
    secrets = [user["password"] for user in world.tenant["users"]] + list(world.tokens.values())
    assert not any(secret in metrics.text for secret in secrets)


def test_files_are_for_their_owner_only(world):
    mode = lambda path: path.stat().st_mode & 0o777
    assert mode(world.data) == 0o700
    # Inside, what holds a key or a secret is closed once more, for when it is copied elsewhere.
    keys = [path for path in world.data.rglob("*") if "key" in path.name or path.name in ("demo.json", "world.json")]
    assert {"demo.json", "master.key", "ca.key"} <= {path.name for path in keys}
    assert {path.name: mode(path) for path in keys} == {path.name: 0o600 for path in keys}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(world, version):
    context = ssl.create_default_context(cafile=world.ca)
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError), socket.create_connection(("localhost", world.base_port + 1)) as plain:
        context.wrap_socket(plain, server_hostname="localhost")


def test_the_name_of_the_connection_and_of_the_request_are_one(world):
    answer = requests.get(
        f"{world.login}/{world.tenant['id']}/v2.0/.well-known/openid-configuration",
        headers={"Host": "elsewhere.example"}, verify=world.ca, timeout=10,
    )
    assert answer.status_code == 421


def test_every_answer_has_its_security_headers(world):
    for url in (
        world.demo["endpoints"]["portal"],
        f"{world.authority}/v2.0/.well-known/openid-configuration",
        f"{world.authority}/oauth2/v2.0/authorize",
        f"{world.login}/nowhere",
        f"{world.fhir}/metadata",
        f"{world.fhir}/Patient",
    ):
        answer = requests.get(url, verify=world.ca, timeout=30)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", url
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], url
        assert answer.headers["X-Request-Id"], url
        assert "Server" not in answer.headers, url
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            assert "unsafe-inline" not in answer.headers["Content-Security-Policy"], url


def test_with_a_domain_each_service_is_a_site_of_its_own(playwright, tmp_path):
    world = World(tmp_path, domain="hygie.test").start()
    try:
        assert world.login == f"https://login.hygie.test:{world.base_port + 1}"
        assert world.fhir.startswith(f"https://fhir.hygie.test:{world.base_port + 6}/")
        with Chromium(playwright, world.ca, tmp_path / "home") as chromium, arrivals() as listener:
            page = chromium.context().new_page()
            assert page.goto(world.demo["endpoints"]["portal"]).status == 200
            client = world.app("demo-web")["client_id"]
            page.goto(
                f"{world.authority}/oauth2/v2.0/authorize?client_id={client}&response_type=code&scope=openid"
                f"&redirect_uri={listener.uri}&code_challenge={'a' * 43}&code_challenge_method=S256"
            )
            sign_in(page, world.user("nurse"))
            assert "code" in listener.next(page)
            cookies = [cookie for cookie in page.context.cookies() if cookie["name"] == "__Host-hygie-idp"]
            assert [(c["domain"], c["secure"], c["httpOnly"], c["path"]) for c in cookies] == [
                ("login.hygie.test", True, True, "/")
            ]
        # The domain is a part of the world.
        assert world.stop() == 0
        other = world.run("demo", "--data", world.data, "--domain", "other.test", timeout=60)
        assert other.returncode in (1, 2) and len(other.stderr.splitlines()) == 1, other.stderr
    finally:
        if world.is_running():
            world.kill()
