"""A service whose quota is used up refuses writes and goes on reading, until it may take more."""

import base64
import os
import re

import pytest
from cluster import Cluster
from people import patient

MIB = 3


@pytest.fixture()
def process(tmp_path):
    cluster = Cluster(tmp_path, files=f"[space]\ninstance_mib = {MIB}\nreserve_mib = 1\n")
    [process] = cluster.processes
    process.start()
    process.wait()
    yield process
    cluster.close()


def test_a_quota_refuses_writes_and_nothing_else(process):
    cluster = process.cluster
    token = cluster.loader_token(at=process.login).json()["access_token"]
    call = lambda method, path, **more: cluster.call(method, path, token, at=process.fhir, **more)
    # What nobody can compress.
    large = lambda: {**patient(), "photo": [{"contentType": "image/png", "data": base64.b64encode(os.urandom(90_000)).decode()}]}
    answers = []
    while len(answers) < 200 and (not answers or answers[-1].status_code == 201):
        answers.append(call("POST", "Patient", resource=large()))
    created, refused = answers[:-1], answers[-1]
    assert refused.status_code == 503 and 5 < len(created) < 199, (len(created), refused.text)
    assert refused.json()["resourceType"] == "OperationOutcome" and "may take is used up" in refused.text, refused.text
    first = created[0].json()["id"]
    assert call("DELETE", f"Patient/{first}").status_code == 503
    assert call("GET", f"Patient/{first}").status_code == 200
    assert call("GET", "Patient?_summary=count").json()["total"] == len(created)
    # The directory has no quota.
    assert cluster.loader_token(at=process.login).status_code == 200
    assert (process.data / "reserve").stat().st_size == 1 << 20

    assert process.stop() == 0
    text = process.config.read_text()
    process.config.write_text(re.sub("instance_mib = .*", "total_mib = 500", text))
    process.start()
    process.wait()
    assert call("POST", "Patient", resource=large()).status_code == 201
    verified = process.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
