"""The release binaries of a run, and what they are given."""

import os
import shutil
import subprocess
from pathlib import Path

from . import data

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SHARED = Path(os.environ.get("HYGIE_SHARED_DATA", ROOT.parent / "shared/data"))
EXAMPLES = [("hygie-jose", "signatures"), ("hygie-access", "speed"), ("hygie-store", "index_load")]
BUILD = [os.environ.get("CARGO", "cargo"), "build", "--release", "--locked", "--package"]


class Tools:
    """The release binaries, and the data they work on. Examples of several crates share a name: each is copied when built."""

    def __init__(self, directory):
        self.directory = directory
        self.hygie = TARGET / "release/hygie"
        kept = TARGET / "release/bench"
        self.jose, self.access, self.store = (kept / f"{package}-{name}" for package, name in EXAMPLES)

    def build(self):
        """Everything that is measured or measures."""
        self.build_hygie()
        for (package, name), kept in zip(EXAMPLES, (self.jose, self.access, self.store), strict=True):
            subprocess.run([*BUILD, package, "--example", name], cwd=ROOT, check=True)
            kept.parent.mkdir(exist_ok=True)
            shutil.copy2(TARGET / "release/examples" / name, kept)

    def build_hygie(self):
        """The program alone."""
        subprocess.run([*BUILD, "hygie"], cwd=ROOT, check=True)

    def data(self):
        """What to load, bundles to send as transactions, and its name."""
        unpacked = data.unpack(SHARED, self.directory)
        if unpacked:
            return *unpacked, "Synthea NDJSON"
        return *data.synthesize(self.hygie, self.directory), "synthetic patients"


def revision():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
