"""What the suites share: one demo world for those that only use it, worlds of their own for those that break it."""

import os

import pytest
from chromium import Chromium
from nodes import MODULES
from playwright.sync_api import sync_playwright
from world import BINARY, World


def pytest_configure(config):
    # These override, in requests and in what is built on it, the authority that a client is given.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        os.environ.pop(name, None)
    for name in list(os.environ):
        if name.startswith("AZURE_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            del os.environ[name]
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} does not exist: cargo build, or set HYGIE_BIN")
    if not MODULES.exists():
        raise pytest.UsageError(f"{MODULES} does not exist: npm ci in its folder, as scripts/lib.sh does")


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A world that tests use and leave usable."""
    world = World(tmp_path_factory.mktemp("demo")).start()
    yield world
    assert world.is_running(), f"hygie died:\n{world.logged()[-4000:]}"
    assert world.stop() == 0
    assert "panicked" not in world.logged()


@pytest.fixture
def own_world(tmp_path):
    """A world for one test, which may kill it."""
    world = World(tmp_path).start()
    yield world
    if world.is_running():
        world.kill()


@pytest.fixture
def trusted(world, monkeypatch):
    """Libraries that make their own requests trust the authority of the world."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", world.ca)
    return world


@pytest.fixture(scope="session")
def playwright():
    """The driver of browsers, of which a thread has one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright, world, tmp_path_factory):
    """A browser that trusts the authority of the world and reaches nothing but this machine."""
    with Chromium(playwright, world.ca, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def page(chromium):
    """A page of a browser that has never been here."""
    context = chromium.context()
    yield context.new_page()
    context.close()
