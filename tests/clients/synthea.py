"""The transaction bundles of the shared test data, when it is there (`HYGIE_SHARED_DATA`)."""

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
import zstandard
from world import REPOSITORY

SHARED = Path(os.environ.get("HYGIE_SHARED_DATA", REPOSITORY.parent / "shared/data"))
ARCHIVE = SHARED / "fhir/synthea-r4/transaction-bundles.tar.zst"

needed = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"no shared test data: {ARCHIVE} is not there")


def unpack(directory):
    """Unpacks the bundles; gives them parsed."""
    with ARCHIVE.open("rb") as packed:
        plain = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        # Not every Python 3.11 has filters.
        archive.extractall(directory, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    files = sorted(Path(directory).rglob("*.json"))
    return [json.loads(file.read_text()) for file in files]


def resources(bundles, kind):
    """Every resource of this type in the bundles."""
    entries = (entry["resource"] for bundle in bundles for entry in bundle["entry"])
    return [resource for resource in entries if resource["resourceType"] == kind]
