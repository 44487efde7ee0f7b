"""Large content over the wire, by clients that we did not write: `requests` and curl. What a kill leaves is nothing."""

import hashlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from people import patient
from world import FHIR_JSON, World

MIB = 1 << 20
SIZE = 50 * MIB


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("binary"))
    world.start()
    yield world
    if world.is_running():
        world.kill()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file that nobody can compress."""
    path = tmp_path_factory.mktemp("file") / "image.dcm"
    with path.open("wb") as out:
        for _ in range(SIZE // MIB):
            out.write(os.urandom(MIB))
    return path


def headers(world, app="fhir-writer", **more):
    return {"Authorization": f"Bearer {world.token(app)}", **{name.replace("_", "-"): value for name, value in more.items()}}


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def memory(world):
    """The most that the process has ever had in memory, in MiB."""
    status = Path(f"/proc/{world.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


@pytest.fixture(scope="module")
def uploaded(world, file):
    """The file in the service, whose memory did not grow with it."""
    before = memory(world)
    with file.open("rb") as body:
        answer = requests.post(f"{world.fhir}/Binary", data=body, verify=world.ca, timeout=300,
                               headers=headers(world, Content_Type="application/dicom", X_Security_Context="Patient/p1"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["contentType"] == "application/dicom" and "data" not in answer.json()
    assert memory(world) - before < 30, (before, memory(world))
    return f"{world.fhir}/Binary/{answer.json()['id']}"


def test_requests_reads_it_whole_and_in_ranges(world, file, uploaded):
    content = file.read_bytes()
    read = requests.get(uploaded, headers=headers(world, "fhir-reader"), verify=world.ca, timeout=300)
    assert read.status_code == 200 and read.content == content
    assert read.headers["content-type"] == "application/dicom" and read.headers["x-security-context"] == "Patient/p1"
    assert read.headers["x-content-type-options"] == "nosniff" and read.headers["content-disposition"] == "attachment"
    for first, last in [(0, 0), (MIB - 1, MIB), (SIZE - 10, SIZE + 10), (7 * MIB + 3, 9 * MIB)]:
        part = requests.get(uploaded, headers=headers(world, "fhir-reader", Range=f"bytes={first}-{last}"), verify=world.ca, timeout=60)
        assert part.status_code == 206 and part.content == content[first:last + 1]
    known = headers(world, "fhir-reader", If_None_Match=read.headers["etag"])
    assert requests.get(uploaded, headers=known, verify=world.ca, timeout=60).status_code == 304
    before = memory(world)
    resource = requests.get(uploaded, headers=headers(world, "fhir-reader", Accept=FHIR_JSON), verify=world.ca, timeout=300)
    assert resource.headers["content-type"].startswith(FHIR_JSON)
    assert len(resource.json()["data"]) == -(-SIZE // 3) * 4
    assert memory(world) - before < 30, (before, memory(world))


def test_curl_uploads_reads_and_resumes(world, file, tmp_path):
    def curl(*arguments):
        command = ["curl", "--silent", "--show-error", "--fail-with-body", "--cacert", world.ca, "--max-time", "300",
                   "-H", f"Authorization: Bearer {world.token('fhir-writer')}", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=320, check=False)

    put = curl("--upload-file", file, "-H", "Content-Type: application/dicom", "-H", "Prefer: return=minimal",
               "--write-out", "%{http_code}", f"{world.fhir}/Binary/from-curl")
    assert put.returncode == 0 and put.stdout == "201", put.stdout + put.stderr
    chunked = curl("--upload-file", file, "-H", "Content-Type: application/dicom", "-H", "Transfer-Encoding: chunked",
                   "--http1.1", "--write-out", "%{http_code}", "--output", os.devnull, f"{world.fhir}/Binary/from-curl")
    assert chunked.returncode == 0 and chunked.stdout == "200", chunked.stdout + chunked.stderr
    copy = tmp_path / "copy"
    shutil.copyfile(file, copy)
    os.truncate(copy, 20 * MIB + 77)
    resumed = curl("--continue-at", "-", "--output", copy, f"{world.fhir}/Binary/from-curl")
    assert resumed.returncode == 0, resumed.stderr
    assert digest(copy) == digest(file)
    old = curl("--output", copy, f"{world.fhir}/Binary/from-curl/_history/1")
    assert old.returncode == 0 and digest(copy) == digest(file)


def test_who_may_not_write_does_not_get_to_send_the_file(world, file):
    with file.open("rb") as body:
        refused = requests.post(f"{world.fhir}/Binary", data=body, verify=world.ca, timeout=60,
                                headers=headers(world, "fhir-reader", Content_Type="application/dicom"))
    assert refused.status_code == 403 and refused.json()["resourceType"] == "OperationOutcome"
    # Neither is a body that says to be too long: this one never begins.
    address = urlsplit(world.fhir)
    connection = http.client.HTTPSConnection(address.netloc, timeout=30, context=ssl.create_default_context(cafile=world.ca))
    connection.putrequest("POST", f"{address.path}/Binary")
    for name, value in headers(world, Content_Type="application/dicom", Content_Length=str(1 << 40)).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and json.load(answer)["issue"][0]["code"] == "too-long"
    connection.close()


def verified(world, *options):
    """The report of `hygie verify` on the FHIR service."""
    ran = world.run("verify", "--json", *options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    [instance] = [one for one in json.loads(ran.stdout)["instances"] if one["name"].startswith("fhir")]
    return instance["blobs"]


def test_keys_backup_and_restore_take_it_along(world, uploaded, file, tmp_path):
    count = verified(world, "--data", world.data)["count"]
    assert count >= 3
    rotated = world.run("keys", "rotate", "--only", "data", "--data", world.data)
    assert rotated.returncode == 0, rotated.stdout + rotated.stderr
    assert digest_of(world, uploaded) == digest(file)
    copied = world.run("backup", tmp_path / "copy", "--data", world.data)
    assert copied.returncode == 0, copied.stdout + copied.stderr
    restored = world.run("restore", tmp_path / "copy", "--data", tmp_path / "restored")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert verified(world, "--data", tmp_path / "restored")["count"] == count
    # What was lost is found.
    [one, *_] = [path for path in (tmp_path / "restored").rglob("*.blobs/*/*/*") if path.is_file()]
    one.unlink()
    damaged = world.run("verify", "--data", tmp_path / "restored")
    assert damaged.returncode == 1 and "is missing" in damaged.stdout, damaged.stdout


def digest_of(world, address):
    read = requests.get(address, headers=headers(world, "fhir-reader"), verify=world.ca, timeout=300)
    assert read.status_code == 200, read.text
    return hashlib.sha256(read.content).hexdigest()


def test_a_kill_in_the_middle_of_an_upload_leaves_nothing_that_shows(world, uploaded, file):
    before = verified(world, "--data", world.data)
    sent = threading.Event()

    def dawdle():
        yield os.urandom(20 * MIB)
        sent.set()
        time.sleep(60)
        yield b"never sent"

    def upload():
        try:
            requests.put(f"{world.fhir}/Binary/killed", data=dawdle(), verify=world.ca, timeout=120,
                         headers=headers(world, Content_Type="application/dicom"))
        except requests.RequestException:
            pass

    uploading = threading.Thread(target=upload, daemon=True)
    uploading.start()
    assert sent.wait(60)
    staged = lambda: [path for path in world.data.rglob("*.blobs/*/*/*#*")]
    deadline = time.monotonic() + 30
    while not staged():
        assert time.monotonic() < deadline, "nothing of the upload is on the disk"
        time.sleep(0.05)
    world.kill()
    world.start()
    read = requests.get(f"{world.fhir}/Binary/killed", headers=headers(world), verify=world.ca, timeout=60)
    assert read.status_code == 404, read.text
    assert digest_of(world, uploaded) == digest(file)
    assert world.call("POST", "Patient", app="fhir-writer", json=patient()).status_code == 201
    assert verified(world, "--data", world.data) == before
