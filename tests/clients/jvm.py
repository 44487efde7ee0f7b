"""Programs written for the Java machine: built once by Maven, and again when one of their sources changes."""

import os
import shutil
import subprocess
from pathlib import Path

from nodes import converse, told
from world import REPOSITORY

TOOLS = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "tools"
IS_THERE = bool(shutil.which("javac") and shutil.which("mvn"))


class Programs:
    """The programs of a directory with a `pom.xml`; `name` is where they are built."""

    def __init__(self, name, sources):
        self.place, self.sources = TOOLS / name, sources

    def command(self, program, *arguments, options=()):
        options = ["-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *options]
        return ["java", *options, "-cp", self._classpath(), program, *map(str, arguments)]

    def run(self, program, *arguments, given=None):
        """What a program prints, line by line."""
        command = self.command(program, *arguments)
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, encoding="utf-8", check=False, timeout=600
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.split("\n")[:-1]

    def _classpath(self):
        """Where the programs and what they need are."""
        found, lock, sources = self.place / "classpath", self.place / "lock", self._lock_of_sources()
        if not (found.exists() and lock.exists() and lock.read_text() == sources):
            self.place.mkdir(parents=True, exist_ok=True)
            lock.unlink(missing_ok=True)
            build = ["mvn", "-q", "-B", "-f", self.sources / "pom.xml", f"-DbuildDirectory={self.place}", "compile"]
            listed = ["dependency:build-classpath", f"-Dmdep.outputFile={found}"]
            done = subprocess.run([*build, *listed], capture_output=True, text=True, check=False, timeout=600)
            assert done.returncode == 0, done.stdout[-4000:]
            lock.write_text(sources)
        return f"{self.place / 'classes'}{os.pathsep}{found.read_text()}"

    def _lock_of_sources(self):
        """All that the programs are built from."""
        files = [self.sources / "pom.xml", *sorted(self.sources.glob("src/**/*.java"))]
        return "\n".join(file.read_text(encoding="utf-8") for file in files)


# HAPI as a judge.
HAPI = Programs("validator", REPOSITORY / "tests/validator")
CLIENTS = Programs("clients-java", REPOSITORY / "tests/clients/java")


def play(world, program, scenario, person=None, **given):
    """Plays a scenario of a client for the Java machine, as `nodes.play` does of one for Node."""
    store = f"-Djavax.net.ssl.trustStore={trust_store(world)}"
    command = CLIENTS.command(program, options=[store, "-Djavax.net.ssl.trustStorePassword=changeit"])
    return converse(program, command, told(world, scenario, given), person)


def trust_store(world):
    """The demo's authority, as Java wants it."""
    store = Path(world.data) / "ca.p12"
    if not store.exists():
        made = ["-keystore", store, "-storepass", "changeit", "-storetype", "PKCS12"]
        imported = ["keytool", "-importcert", "-noprompt", "-alias", "hygie", "-file", world.ca, *made]
        subprocess.run(imported, check=True, capture_output=True)
    return store
