"""A library that stands between `hygie` and its disk, and a demo world to begin with, made once."""

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

import pytest
from disk import build
from laboratory import TARGET, Laboratory
from world import BINARY


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=50, help="how many kills")
    parser.addoption("--seed", type=int, default=3, help="what is drawn is drawn from it")


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} does not exist: cargo build, or set HYGIE_BIN")
    if not (shutil.which("cc") or shutil.which("gcc")):
        raise pytest.UsageError("the laboratory needs a C compiler")
    # It may be open in processes that were started with it.
    os.environ.pop("LD_PRELOAD", None)


@pytest.fixture(scope="session")
def seed(request):
    return request.config.getoption("--seed")


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def objects():
    """The program that makes large objects in an instance that no service uses."""
    program = TARGET / "debug/examples/large_objects"
    assert program.exists(), f"{program} is missing: cargo build --package hygie-store --example large_objects"
    return program


@pytest.fixture(scope="session")
def template(library, tmp_path_factory):
    """A world that was made and stopped: the trace of its first start explains every byte of it."""
    laboratory = Laboratory(tmp_path_factory.mktemp("template"), library, 1)
    laboratory.open()
    assert laboratory.world.stop() == 0, laboratory.world.tail()
    laboratory.end(None)
    return laboratory.world


@pytest.fixture
def laboratory(library, template, tmp_path, seed):
    """A copy of that world, running."""
    laboratory = Laboratory(tmp_path, library, seed, template)
    laboratory.open()
    yield laboratory
    laboratory.close()
