"""HAPI as a judge: the programs of tests/validator, built once by Maven, and again when one of them changes."""

import os
import shutil
import subprocess
from pathlib import Path

from world import REPOSITORY

SOURCES = REPOSITORY / "tests/validator"
TOOLS = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "tools/validator"
IS_THERE = bool(shutil.which("java") and shutil.which("mvn"))


def run(program, *arguments, given=None):
    """What a program prints, line by line."""
    java = ["java", "-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classpath(), program, *map(str, arguments)]
    done = subprocess.run(java, input=given, capture_output=True, text=True, encoding="utf-8", check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.split("\n")[:-1]


def classpath():
    """Where the programs and what they need are."""
    found, lock, sources = TOOLS / "classpath", TOOLS / "lock", lock_of_sources()
    if not (found.exists() and lock.exists() and lock.read_text() == sources):
        TOOLS.mkdir(parents=True, exist_ok=True)
        lock.unlink(missing_ok=True)
        build = ["mvn", "-q", "-B", "-f", SOURCES / "pom.xml", f"-DbuildDirectory={TOOLS}", "compile"]
        listed = ["dependency:build-classpath", f"-Dmdep.outputFile={found}"]
        done = subprocess.run([*build, *listed], capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout[-4000:]
        lock.write_text(sources)
    return f"{TOOLS / 'classes'}{os.pathsep}{found.read_text()}"


def lock_of_sources():
    """All that the programs are built from."""
    files = [SOURCES / "pom.xml", *sorted(SOURCES.glob("src/**/*.java"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
