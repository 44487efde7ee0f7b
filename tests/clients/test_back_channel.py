"""The back channel: asks for a certificate, takes none for an answer, and names itself in its links."""

import datetime
import socket
import ssl
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@pytest.fixture
def certificate(tmp_path):
    """A certificate that nobody issued, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "client.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


def base(world):
    return world.demo["endpoints"]["back_channel"] + urlsplit(world.fhir).path


@pytest.mark.parametrize("with_certificate", [True, False])
def test_links_keep_the_base_that_was_called(world, certificate, with_certificate):
    headers = {"Authorization": f"Bearer {world.token('fhir-reader')}"}
    cert = str(certificate) if with_certificate else None
    answer = requests.get(f"{base(world)}/Patient?_count=1", headers=headers, verify=world.ca, cert=cert, timeout=30)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    for link in [entry["fullUrl"] for entry in page["entry"]] + [link["url"] for link in page["link"]]:
        assert link.startswith(base(world) + "/"), link


# RFC 8446 §5.1 and §4: a message of the handshake, and which.
HANDSHAKE, CERTIFICATE_REQUEST = 22, 13


@pytest.mark.parametrize("service, asked", [("back_channel", True), ("login", False), ("fhir", False)])
def test_only_the_back_channel_asks_for_a_certificate(world, certificate, service, asked):
    address = urlsplit(world.fhir if service == "fhir" else world.demo["endpoints"][service])
    context = ssl.create_default_context(cafile=world.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    seen = []
    context._msg_callback = lambda connection, direction, version, content, kind, data: seen.append((int(content), int(kind)))
    with socket.create_connection((address.hostname, address.port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=address.hostname):
            pass
    assert ((HANDSHAKE, CERTIFICATE_REQUEST) in seen) == asked, seen
