"""Large content in a bucket: the service is known by its managed identity, or by a key; of two processes each reads what the
other received; what a kill leaves does not show."""

import os
import re
import threading
import time
import uuid

import pytest
import requests
from cluster import Cluster, wait_for
from storage import AUDIENCE, KEY, Azurite, Door
from world import FHIR_JSON

MIB = 1 << 20
# Three parts of 8 MiB, the last one short.
CONTENT = os.urandom(17 * MIB + 5)
DICOM = {"Content-Type": "application/dicom"}


class Installation(Cluster):
    """With these services: their names, and where the large objects of each lie."""

    def __init__(self, directory, services, files=None):
        self.services, self.storage_key = services, KEY
        super().__init__(directory, files)

    def configuration(self, process, chain, key):
        text = super().configuration(process, chain, key)
        services = ", ".join(
            f'{{ name = "{name}", app = "{self.fhir_app if name == "fhir" else uuid.uuid5(uuid.NAMESPACE_URL, name)}", {blobs} }}'
            for name, blobs in self.services.items()
        )
        text = re.sub(r"(?m)^fhir = \[.*\]$", lambda _: f"fhir = [{services}]", text)
        storage = f'  {{ app = "{uuid.uuid5(uuid.UUID(self.tenant), AUDIENCE)}", display_name = "Storage", identifier_uris = ["{AUDIENCE}"] }},\n'
        return text.replace("applications = [\n", f"applications = [\n{storage}")

    def secrets(self, password=None):
        return {**super().secrets(password), "STORAGE_KEY": self.storage_key}

    def token_at(self, process, service="fhir"):
        return self.loader_token(at=process.login, service=service).json()["access_token"]

    def send(self, method, process, path, token, service="fhir", headers=None, **more):
        base = process.fhir.removesuffix("fhir") + service
        return requests.request(method, f"{base}/{path}", headers={"Authorization": f"Bearer {token}", **(headers or {})},
                                verify=str(self.authority.file), timeout=120, **more)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    yield azurite
    azurite.close()


@pytest.fixture(scope="module")
def door(azurite):
    door = Door(azurite)
    yield door
    door.close()


@pytest.fixture(scope="module")
def alone(azurite, door, tmp_path_factory):
    """One process with files. The identity of one of its services has a role in the account, that of the other has none."""
    alone = Installation(tmp_path_factory.mktemp("alone"), {"fhir": door.blobs(), "stranger": door.blobs()}, files="[space]\nreserve_mib = 1\n")
    [process] = alone.processes
    process.start()
    process.wait()
    lines = [line for line in process.logged().splitlines() if "has a managed identity" in line]
    identities = {re.search(r"fhir_ch_(\w+)", line).group(1): re.search(r'object"?[:=]"?([0-9a-f-]{36})', line).group(1) for line in lines}
    keys = requests.get(f"{process.login}/discovery/keys", verify=str(alone.authority.file), timeout=30).json()
    door.trust(f"https://localhost:{alone.login_port}/{alone.tenant}/", keys)
    door.identities, door.roles = set(identities.values()), {identities["fhir"]}
    yield process
    alone.close()


def test_the_managed_identity_of_a_service_opens_the_container(alone, azurite, door):
    cluster, token = alone.cluster, alone.cluster.token_at(alone)
    put = cluster.send("PUT", alone, "Binary/scan", token, data=CONTENT, headers=DICOM)
    assert put.status_code == 201, put.text
    read = cluster.send("GET", alone, "Binary/scan", token)
    assert read.status_code == 200 and read.content == CONTENT
    part = cluster.send("GET", alone, "Binary/scan", token, headers={"Range": f"bytes={9 * MIB}-{9 * MIB + 99}"})
    assert part.status_code == 206 and part.content == CONTENT[9 * MIB:9 * MIB + 100]
    resource = cluster.send("GET", alone, "Binary/scan", token, headers={"Accept": FHIR_JSON})
    assert resource.status_code == 200 and len(resource.json()["data"]) == -(-len(CONTENT) // 3) * 4
    assert [name.split("/")[0] for name in azurite.names()] == ["fhir.ch.fhir"]
    assert door.passed and not door.refusals, door.refusals
    assert {claims["aud"] for claims in door.passed} == {AUDIENCE}
    # What lies there is sealed.
    assert not any(CONTENT[:64] in path.read_bytes() for path in azurite.data.rglob("*") if path.is_file())


def test_an_identity_without_a_role_opens_nothing(alone, azurite, door):
    cluster, token = alone.cluster, alone.cluster.token_at(alone)
    before, roles = azurite.names(), door.roles
    strange = cluster.token_at(alone, "stranger")
    door.refusals.clear()
    refused = cluster.send("PUT", alone, "Binary/other", strange, "stranger", data=b"content", headers=DICOM)
    assert refused.status_code == 503 and refused.json()["resourceType"] == "OperationOutcome", refused.text
    assert {status for status, _ in door.refusals} == {403}, door.refusals
    assert cluster.send("GET", alone, "Binary/other", strange, "stranger").status_code == 404
    # What needs no bucket goes on.
    inline = {"resourceType": "Binary", "contentType": "text/plain", "data": "aGVsbG8="}
    created = cluster.send("POST", alone, "Binary", strange, "stranger", json=inline, headers={"Content-Type": FHIR_JSON})
    assert created.status_code == 201, created.text
    assert cluster.send("GET", alone, f"Binary/{created.json()['id']}", strange, "stranger").text == "hello"
    # A role that is taken away, and given again.
    door.roles = set()
    assert cluster.send("GET", alone, "Binary/scan", token).status_code == 503
    door.roles = roles
    assert cluster.send("GET", alone, "Binary/scan", token).content == CONTENT
    assert azurite.names() == before


def test_a_kill_in_the_middle_of_an_upload_shows_nothing(alone, azurite, door):
    cluster, token = alone.cluster, alone.cluster.token_at(alone)
    before, passed = azurite.names(), len(door.passed)

    def dawdle():
        yield os.urandom(10 * MIB)
        time.sleep(60)

    def upload():
        try:
            cluster.send("PUT", alone, "Binary/killed", token, data=dawdle(), headers=DICOM)
        except requests.RequestException:
            pass

    threading.Thread(target=upload, daemon=True).start()
    wait_for("nothing is uploaded", lambda: len(door.passed) > passed, 30)
    alone.kill()
    alone.start()
    alone.wait()
    token = cluster.token_at(alone)
    assert cluster.send("GET", alone, "Binary/killed", token).status_code == 404
    assert cluster.send("GET", alone, "Binary/scan", token).content == CONTENT
    assert azurite.names() == before
    # Only the live process has the tokens that the bucket wants: that is said, and everything else verified.
    verified = alone.run("verify")
    assert verified.returncode == 0 and "its large objects were not read" in verified.stdout, verified.stdout + verified.stderr


def test_the_keys_are_replaced_where_the_content_lies(alone, door):
    cluster, token, roles = alone.cluster, alone.cluster.token_at(alone), door.roles
    # What cannot be reached is named, and keeps no other from its new keys.
    refused = alone.run("keys", "rotate", "--only", "data")
    assert refused.returncode == 1 and "not all keys are replaced: fhir.ch.stranger" in refused.stderr, refused.stderr
    door.roles = door.identities
    rotated = alone.run("keys", "rotate", "--only", "data")
    door.roles = roles
    assert rotated.returncode == 0, rotated.stdout + rotated.stderr
    assert cluster.send("GET", alone, "Binary/scan", token).content == CONTENT


@pytest.fixture(scope="module")
def pair(azurite, tmp_path_factory):
    """Two processes on PostgreSQL, known by the key of the account."""
    blobs = azurite.blobs('key = { env = "STORAGE_KEY" }')
    pair = Installation(tmp_path_factory.mktemp("pair"), {"fhir": blobs})
    try:
        for process in pair.processes:
            process.start()
        for process in pair.processes:
            process.wait()
        yield pair
    finally:
        pair.close()


def test_each_of_two_processes_reads_what_the_other_received(pair, azurite):
    one, two = pair.processes
    token = pair.token_at(one)
    for number, (writer, reader) in enumerate([(one, two), (two, one)]):
        put = pair.send("PUT", writer, f"Binary/b{number}", token, data=CONTENT, headers=DICOM)
        assert put.status_code == 201, put.text
        assert pair.send("GET", reader, f"Binary/b{number}", token).content == CONTENT
    checked = one.run("check-config", "--online")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    pair.storage_key = "b3RoZXI="
    wrong = one.run("check-config", "--online")
    pair.storage_key = KEY
    assert wrong.returncode != 0 and "large objects of fhir" in wrong.stdout + wrong.stderr, wrong.stdout + wrong.stderr


def test_verify_reads_the_bucket_beside_the_processes(pair, azurite):
    one, _ = pair.processes
    verified = one.run("verify", "--heads", pair.processes[1].data / "heads")
    assert verified.returncode == 0 and "2 blobs" in verified.stdout, verified.stdout + verified.stderr
    lost = [name for name in azurite.names() if name.startswith("fhir.ch.fhir/")]
    token = pair.token_at(one)
    pair.send("PUT", one, "Binary/lost", token, data=b"soon lost", headers=DICOM)
    [new] = [name for name in azurite.names() if name.startswith("fhir.ch.fhir/") and name not in lost]
    assert azurite.ask("DELETE", f"/{new}").status_code == 202
    damaged = one.run("verify", "--heads", pair.processes[1].data / "heads")
    assert damaged.returncode == 1 and "is missing" in damaged.stdout, damaged.stdout + damaged.stderr
    # It is a fault of ours, and no answer that there is no such resource.
    assert pair.send("GET", one, "Binary/lost", token).status_code == 500
