"""Every command of README.md, in its order, as a reader types it; and the French version has the same commands."""

import os
import re
import shutil
import subprocess
import time

import pytest
import requests
from chromium import Chromium, sign_in
from world import BINARY, OFFSETS, REPOSITORY, World, free_base_port

DEFAULT_PORT = 8440
FENCE = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = "http://localhost:9999/?code=PASTE-THE-WHOLE-ADDRESS-HERE"


def blocks(name):
    """(language, text) of each fenced block."""
    return FENCE.findall((REPOSITORY / name).read_text())


def commands(name):
    return [text for language, text in blocks(name) if language == "sh"]


def test_the_french_version_has_the_same_commands():
    assert commands("README.fr.md") == commands("README.md")
    assert len(commands("README.md")) >= 8


class Reader:
    """Somebody with two terminals in one directory. The ports are others, so that a demo may run beside."""

    def __init__(self, directory):
        self.directory, self.base = directory, free_base_port()
        tools = directory / "bin"
        tools.mkdir()
        cargo = tools / "cargo"
        cargo.write_text(f"#!/bin/bash\n{self.cargo()}\n")
        cargo.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    def cargo(self):
        """The reader's cargo, from a directory that is not the repository: as written, but for the ports."""
        if os.environ.get("HYGIE_README_RELEASE"):
            real, repository = shutil.which("cargo"), REPOSITORY
            ports = f"case $* in *' demo'*) set -- \"$@\" --base-port {self.base} ;; esac"
            # Cargo looks for its configuration where it is called; without it, it would build half of the program again.
            place = f"--config {repository}/.cargo/config.toml --manifest-path {repository}/Cargo.toml"
            return f"{ports}\nshift\nexec {real} run --quiet --locked {place} \"$@\""
        ports = f"case $1 in demo) set -- \"$@\" --base-port {self.base} ;; esac"
        return f"[ \"$1 $2 $3\" = 'run --release --' ] || exit 9\nshift 3\n{ports}\nexec {BINARY} \"$@\""

    def typed(self, text):
        for offset in range(OFFSETS):
            text = text.replace(f"localhost:{DEFAULT_PORT + offset}", f"localhost:{self.base + offset}")
        return text

    def start_demo(self, command):
        with (self.directory / "demo.log").open("wb") as log:
            self.demo = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.directory, env=self.environment, stdout=log, stderr=log
            )
        until = time.monotonic() + 1800
        while time.monotonic() < until:
            try:
                if requests.get(f"http://localhost:{self.base + 10}/ready", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            assert self.demo.poll() is None, (self.directory / "demo.log").read_text()[-3000:]
            time.sleep(0.1)
        self.shell = subprocess.Popen(
            ["bash"], cwd=self.directory, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def type(self, block):
        """Types a block in the second terminal; gives what it shows."""
        self.shell.stdin.write(f"{self.typed(block)}\nprintf '\\n--end %s\\n' \"$?\"\n")
        self.shell.stdin.flush()
        shown = []
        for line in self.shell.stdout:
            if line.startswith("--end "):
                assert line == "--end 0\n", f"{block}\n{''.join(shown)}{line}"
                break
            shown.append(line)
        return "".join(shown).strip()

    def close(self):
        if hasattr(self, "shell"):
            self.shell.stdin.close()
            self.shell.stdout.close()
            self.shell.wait(timeout=30)
        if hasattr(self, "demo"):
            self.demo.terminate()
            self.demo.wait(timeout=60)


@pytest.fixture
def reader(tmp_path):
    reader = Reader(tmp_path)
    yield reader
    reader.close()


@pytest.mark.timeout(2400)
def test_a_walk_of_five_minutes(reader, playwright, tmp_path):
    start, *walk, test = commands("README.md")
    assert start == "cargo run --release -- demo\n"
    assert test == "scripts/test\n"
    assert os.access(REPOSITORY / "scripts/test", os.X_OK)
    reader.start_demo(start)
    shown, expected = {}, expectations()
    for block in walk:
        if PLACEHOLDER in block:
            address = as_the_nurse(reader, playwright, tmp_path, shown)
            typed = block.replace(PLACEHOLDER, address)
        else:
            typed = block
        shown[block] = reader.type(typed)
        assert "error" not in shown[block].lower(), shown[block]
        if block in expected:
            assert shown[block] == expected[block].strip(), block
    [told] = [text for block, text in shown.items() if "appid" in block]
    assert '"aud": "https://localhost' in told
    [people] = [text for block, text in shown.items() if "_sort=family" in block]
    assert len(re.findall(r"^\S.* \S+, \d{4}-\d\d-\d\d$", people, re.MULTILINE)) == 3, people
    assert reader.type("cargo run --release -- verify")


@pytest.mark.skipif(not os.environ.get("HYGIE_README_RELEASE"), reason="a goal of the release build")
def test_an_idle_demo_is_small_and_its_second_start_quick(tmp_path):
    release = os.path.join(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"), "release/hygie")
    world = World(tmp_path, binary=release).start()
    assert world.stop() == 0
    world.start()
    time.sleep(5)
    with open(f"/proc/{world.process.pid}/status") as status:
        [resident] = [int(line.split()[1]) for line in status if line.startswith("VmRSS:")]
    assert world.stop() == 0
    assert resident < 150 * 1024, f"{resident} KiB"
    # Two seconds are the goal; a test must not fail on a slow day.
    assert world.started_in < 8, world.started_in


def expectations():
    """What the README shows under a block."""
    found, before = {}, None
    for language, text in blocks("README.md"):
        if language == "text" and before:
            found[before] = text
        before = text if language == "sh" else None
    return found


def as_the_nurse(reader, playwright, tmp_path, shown):
    """What the person does in the browser; gives the address with which it comes back."""
    [url] = [text for block, text in shown.items() if "/authorize?" in block]
    [account] = [text for block, text in shown.items() if ".upn, .password" in block]
    upn, password = account.splitlines()
    with Chromium(playwright, str(reader.directory / "hygie-demo/ca.pem"), tmp_path / "home") as chromium:
        page = chromium.context().new_page()
        came_back = []
        page.on("request", lambda r: came_back.append(r.url) if r.url.startswith("http://localhost:9999") else None)
        page.goto(url)
        sign_in(page, {"upn": upn, "password": password})
        until = time.monotonic() + 30
        while not came_back and time.monotonic() < until:
            page.wait_for_timeout(50)
    assert came_back, "the browser did not come back"
    return came_back[0]
