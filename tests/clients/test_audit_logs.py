"""The logs of the directory as they leave an installation: in a real Apache Kafka, read by its own consumer, and at an HTTP
endpoint, which refuses at first and during a kill. Each entry is there, in the order of its log, at both."""

import http.server
import json
import threading
from urllib.parse import urljoin

import pytest
import requests
from cluster import ADMINISTRATOR, Cluster, Fields, wait_for
from kafka import PASSWORD, TOPIC, USER, Kafka

TOKEN = "a token of the endpoint"


class Endpoint:
    """Takes batches of CloudEvents, or refuses them."""

    def __init__(self):
        self.takes, self.refused, self.events, self.headers = False, 0, [], []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
                if endpoint.takes:
                    endpoint.events.extend(body)
                else:
                    endpoint.refused += 1
                self.send_response(204 if endpoint.takes else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/ingest"

    def of(self, category):
        """Number and entry of each event of a log, each once: delivery is at least once."""
        seen = {}
        for event in self.events:
            if event["data"]["category"] == category:
                seen.setdefault(int(event["id"]), event["data"])
        return list(seen.items())


class Installation(Cluster):
    def __init__(self, directory, endpoint, kafka):
        self.endpoint, self.kafka = endpoint, kafka
        super().__init__(directory, files="[space]\nreserve_mib = 0\n")

    def configuration(self, process, chain, key):
        return super().configuration(process, chain, key).replace('display_name = "Centre hospitalier"', """\
display_name = "Centre hospitalier"
log_retention_days = 90""") + f"""
[audit_logs.http]
url = "{self.endpoint.url}"
token = {{ env = "ENDPOINT_TOKEN" }}
[audit_logs.kafka]
brokers = ["localhost:{self.kafka.by_password}"]
topic = "{TOPIC}"
authorities = "{self.kafka.authority.file}"
login = {{ user = "{USER}", password = {{ env = "KAFKA_PASSWORD" }} }}
"""

    def secrets(self, password=None):
        return {**super().secrets(password), "ENDPOINT_TOKEN": TOKEN, "KAFKA_PASSWORD": PASSWORD}

    @property
    def login(self):
        return self.processes[0].login

    def wrong_password(self):
        with self.browser() as browser:
            answer = self.authorize(browser)
            for value in ({"username": ADMINISTRATOR}, {"username": ADMINISTRATOR, "password": "guess"}):
                action, members = Fields(answer.text).asked
                answer = browser.post(urljoin(answer.url, action), data={**members, **value}, allow_redirects=False, timeout=60)
            assert answer.status_code == 200, answer.text


@pytest.fixture
def installation(tmp_path):
    kafka, endpoint = Kafka(tmp_path), Endpoint()
    (tmp_path / "hygie").mkdir()
    installation = Installation(tmp_path / "hygie", endpoint, kafka)
    try:
        yield installation
    finally:
        installation.close()
        kafka.close()
        endpoint.server.shutdown()
        endpoint.server.server_close()


def test_logs_leave_for_kafka_and_an_endpoint(installation):
    endpoint, kafka, [process] = installation.endpoint, installation.kafka, installation.processes
    checked = process.run("check-config")
    assert checked.returncode == 0, checked.stderr
    process.start()
    process.wait()
    issuer = f"https://localhost:{installation.login_port}/{installation.tenant}/"
    kafka.start(issuer, f"{process.login}/discovery/keys", installation.authority, [])
    installation.wrong_password()
    installation.sign_in()
    wait_for("the endpoint is not asked", lambda: endpoint.refused > 1)
    assert endpoint.events == []
    # What waits survives the process, and nothing waits for who takes it.
    process.kill()
    process.start()
    process.wait()
    installation.wrong_password()
    endpoint.takes = True
    wait_for("sign-ins do not arrive", lambda: len(endpoint.of("SignInLogs")) == 3)
    codes = [entry["properties"]["status"]["errorCode"] for _, entry in endpoint.of("SignInLogs")]
    assert codes == [50126, 0, 50126]
    audits = [entry["operationName"] for _, entry in endpoint.of("AuditLogs")]
    assert audits[:2] == ["Create company", "Add user"] and "Add member to role" in audits, audits
    assert {entry["tenantId"] for _, entry in endpoint.of("AuditLogs")} == {installation.tenant}
    assert "roleAssigned" in {entry["properties"]["alertType"] for _, entry in endpoint.of("Alerts")}
    numbers = [int(event["id"]) for event in endpoint.events]
    assert numbers == sorted(numbers), "in order"
    for headers in endpoint.headers:
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["content-type"].startswith("application/cloudevents-batch+json")
    source = f"https://localhost:{installation.login_port}"
    expected = {number for category in ("SignInLogs", "AuditLogs", "Alerts") for number, _ in endpoint.of(category)}
    wait_for("not everything is in Kafka",
             lambda: expected <= {int(record.headers["ce_id"]) for record in kafka.records(source)})
    records = {int(record.headers["ce_id"]): record for record in kafka.records(source)}
    for number, entry in endpoint.of("SignInLogs"):
        assert json.loads(records[number].value) == entry
        assert records[number].headers["ce_type"] == "hygie.SignInLogs"
        assert records[number].key == f"{installation.tenant}/SignInLogs"
    assert PASSWORD not in process.logged() and TOKEN not in process.logged()
    metrics = requests.get(f"http://127.0.0.1:{process.health_port}/metrics", timeout=10).text
    assert 'service="directory/http"' in metrics and 'service="directory/kafka"' in metrics


def test_what_is_wrong_with_it_is_said_before_the_start(installation):
    [process] = installation.processes
    text = process.config.read_text()
    for wrong, said in [
        (text.replace("log_retention_days = 90", "log_retention_days = 0"), "log_retention_days is from 1 to"),
        (text.replace(installation.endpoint.url, "http://siem.ch.test/"), "must be `https`"),
        (text.replace('env = "ENDPOINT_TOKEN"', 'env = "NO_SUCH_VARIABLE"'), "the token of the audit logs"),
    ]:
        process.config.write_text(wrong)
        checked = process.run("check-config")
        assert checked.returncode != 0 and said in checked.stdout + checked.stderr, (said, checked.stdout, checked.stderr)
