"""What is loaded, and what is asked for afterwards: always learnt from the service itself, whatever was loaded."""

import random
import subprocess
import tarfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .world import Failed

PATIENTS_SAMPLED = 60
SYNTHETIC_PATIENTS = 300


def unpack(shared, directory):
    """The Synthea sample as NDJSON, and its transaction bundles; `None` when it is not there."""
    source = shared / "fhir/synthea-r4"
    if not source.is_dir():
        return None
    ndjson, bundles = directory / "ndjson", directory / "bundles"
    for folder in (ndjson, bundles):
        folder.mkdir()
    for packed in sorted((source / "ndjson").glob("*.ndjson.zst")):
        unzstd(packed, ndjson / packed.stem)
    archive = directory / "bundles.tar"
    unzstd(source / "transaction-bundles.tar.zst", archive)
    with tarfile.open(archive) as files:
        # Not every Python 3.11 has filters.
        files.extractall(bundles, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    archive.unlink()
    return ndjson, sorted(bundles.rglob("*.json"))


def unzstd(packed, plain):
    done = subprocess.run(["zstd", "-dqf", packed, "-o", plain], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"zstd: {done.stderr.strip()}")


def synthesize(program, directory):
    """Patients made by the project: transaction bundles in the same two roles."""
    lines, bundles = directory / "ndjson", directory / "bundles"
    for form, out in (("ndjson", lines), ("bundle", bundles)):
        command = [program, "generate", "fhir", "--patients", str(SYNTHETIC_PATIENTS), "--until", "2026-06-30"]
        done = subprocess.run([*command, "--format", form, "--out", out], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{program}: {done.stderr[-500:]}")
    return lines, sorted(bundles.glob("*.json"))[:60]


@dataclass
class Sample:
    """Addresses of resources, and criteria that find something."""

    patients: list = field(default_factory=list)
    observations: list = field(default_factory=list)
    codes: list = field(default_factory=list)

    @classmethod
    def of(cls, world):
        """Patients of the first pages, and the observations of some of them."""
        sample, chance = cls(), random.Random(1)
        for _, bundle in world.pages("Patient?_count=100", 20):
            sample.patients += resources(bundle)
        if not sample.patients:
            raise Failed("there is no patient")
        for patient in chance.sample(sample.patients, min(PATIENTS_SAMPLED, len(sample.patients))):
            sample.observations += resources(world.get(f"Observation?patient={patient['id']}&_count=100"))
        counted = Counter(filter(None, map(token_of, sample.observations)))
        sample.codes = [code for code, _ in counted.most_common(20)]
        chance.shuffle(sample.observations)
        return sample

    def observed(self):
        """Of observations that have all three: patient, code, date."""
        for observation in self.observations:
            code, date = token_of(observation), observation.get("effectiveDateTime", "")[:10]
            patient = observation.get("subject", {}).get("reference", "")
            if code and date and patient.startswith("Patient/"):
                yield patient, code, date


def resources(bundle):
    """The matches of a page."""
    entries = bundle.get("entry", [])
    return [entry["resource"] for entry in entries if entry.get("search", {}).get("mode", "match") == "match"]


def token_of(observation):
    """Its first code as a search value."""
    coding = (observation.get("code", {}).get("coding") or [{}])[0]
    return f"{coding['system']}|{coding['code']}" if "system" in coding and "code" in coding else None


def without_identity(resource):
    """As a client would create it anew."""
    return {name: value for name, value in resource.items() if name not in ("id", "meta")}


def entries_of(bundles):
    """How many entries bundles have, and the bundles as bytes."""
    texts = [Path(file).read_bytes() for file in bundles]
    return sum(text.count(b'"request"') for text in texts), texts
