"""The guide of installation as its reader types it: keys, configuration, first start, the administrator in a browser, a token
for a script. And the English page has what the French one has."""

import json
import re
import subprocess
import sys

import pytest
import requests
from chromium import Chromium, sign_in
from cluster import free_ports, wait_for
from means import authenticator
from world import BINARY, REPOSITORY

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {"fr": "docs/fr/installation.md", "en": "docs/en/installation.md"}


def blocks(language):
    return BLOCK.findall((REPOSITORY / PAGES[language]).read_text())


def test_both_languages_have_the_same_blocks():
    def plain(language):
        said = "\n".join(text for _, text in blocks(language))
        return re.sub(r"#.*|HYGIE_ADMIN_PASSWORD=.*", "", said)

    assert re.sub(r" +", " ", plain("fr")) == re.sub(r" +", " ", plain("en"))


class Reader:
    """Types the blocks in an empty directory, on a machine that has no host names and may not use port 443."""

    def __init__(self, directory, language):
        self.directory, self.blocks = directory, blocks(language)
        self.login, self.graph, self.portal, self.health = free_ports(4)
        tools = directory / "bin"
        tools.mkdir()
        (tools / "hygie").symlink_to(BINARY)
        self.path = f"{tools}:/usr/bin:/bin"
        self.password = re.search(r"HYGIE_ADMIN_PASSWORD='(.*)'", self.of("sh")[1])[1]

    def of(self, language):
        return [self.here(text) for kind, text in self.blocks if kind == language]

    def here(self, text):
        for name in ("login", "graph", "portal"):
            port = getattr(self, name)
            text = text.replace(f"https://{name}.ch.example", f"https://localhost:{port}")
            text = re.sub(rf'(localhost:{port}"\nlisten = )"0\.0\.0\.0:443"', rf'\1"127.0.0.1:{port}"', text)
        return text.replace("127.0.0.1:9440", f"127.0.0.1:{self.health}")

    def type(self, text, **environment):
        ran = subprocess.run(["bash", "-euc", text], cwd=self.directory, env={"PATH": self.path, **environment}, text=True,
                             capture_output=True, timeout=120, check=False)
        assert ran.returncode == 0, f"{text}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def start(self, command):
        environment = {"PATH": self.path, "HYGIE_ADMIN_PASSWORD": self.password}
        with (self.directory / "log").open("wb") as log:
            return subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.directory, env=environment, stdout=log, stderr=log)

    def is_ready(self):
        try:
            return requests.get(f"http://127.0.0.1:{self.health}/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(params=sorted(PAGES))
def reader(request, tmp_path):
    return Reader(tmp_path, request.param)


def test_the_guide_of_installation(reader, playwright):
    keys, check, start, call = reader.of("sh")
    reader.type(keys)
    (reader.directory / "home").mkdir()
    (reader.directory / "hygie/hygie.toml").write_text(reader.of("toml")[0])
    assert reader.type(check) == reader.of("text")[0]
    process = reader.start(start)
    try:
        wait_for(lambda: (reader.directory / "log").read_text()[-3000:], reader.is_ready)
        first_sign_in(reader, playwright)
        # The script, with the Python that has the library.
        (reader.directory / "first_token.py").write_text(reader.of("python")[0])
        trust = {"REQUESTS_CA_BUNDLE": f"{reader.directory}/hygie/data/ca.pem"}
        said = reader.type(call.replace("python3", sys.executable), **trust)
        assert [user["userPrincipalName"] for user in json.loads(said)["value"]] == ["admin@ch.example"]
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
    a_permission_named_later(reader, start)


def a_permission_named_later(reader, start):
    """It is given in the directory, not by the configuration: the start says so."""
    file = reader.directory / "hygie/hygie.toml"
    file.write_text(file.read_text().replace('["AgreementAcceptance', '["Policy.ReadWrite.PermissionGrant", "AgreementAcceptance'))
    process = reader.start(start)
    try:
        wait_for(lambda: (reader.directory / "log").read_text()[-3000:], reader.is_ready)
        [warned] = [line for line in (reader.directory / "log").read_text().splitlines() if "WARN" in line and "permission" in line]
        assert "Policy.ReadWrite.PermissionGrant" in warned and "give it in the directory" in warned
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0


def first_sign_in(reader, playwright):
    """To the portal, which wants a second means: a passkey is registered, and opens it."""
    portal = f"https://localhost:{reader.portal}/admin"
    with Chromium(playwright, reader.directory / "hygie/data/ca.pem", reader.directory / "home") as browser:
        page = browser.context(locale="fr-FR").new_page()
        with authenticator(page):
            page.goto(portal)
            sign_in(page, {"upn": "admin@ch.example", "password": reader.password})
            page.locator("main a[href*=client_id]").click()
            page.locator("main button[value=passkey]").click()
            page.locator("input[name=name]").fill("Téléphone")
            page.locator("[data-passkey-button]").click()
            page.get_by_role("heading", name="Téléphone").wait_for()
            page.goto(portal)
            users = page.locator("nav a[href='/admin/users']").first
            page.locator("[data-passkey-button]").or_(users).first.click()
            users.wait_for()
            page.goto(f"{portal}/users")
            page.get_by_text("admin@ch.example").first.wait_for()
