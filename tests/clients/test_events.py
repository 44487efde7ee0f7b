"""FHIR events in a real Apache Kafka, which verifies the tokens of the service's managed identity by its own means, and is read
by its own consumer: each write is there exactly, in the order of its resource, and nothing else is."""

import datetime
import json
import re
import threading
import uuid
from collections import Counter, defaultdict

import pytest
import requests
from cluster import Cluster, wait_for
from kafka import PASSWORD, RESOURCE, USER, Kafka
from people import identifier, patient
from world import FHIR_JSON

TYPES = "Microsoft.HealthcareApis.FhirResource"
STRANGER = "https://other.ch.test"
WRITERS = 4


class Installation(Cluster):
    """With these services: their names, and where the events of each go."""

    def __init__(self, directory, services, files=None):
        self.services, self.kafka_password = services, PASSWORD
        super().__init__(directory, files)

    def configuration(self, process, chain, key):
        text = super().configuration(process, chain, key)
        services = ", ".join(
            f'{{ name = "{name}", app = "{self.fhir_app if name == "fhir" else uuid.uuid5(uuid.NAMESPACE_URL, name)}"'
            f'{", " + events if events else ""} }}' for name, events in self.services.items()
        )
        text = re.sub(r"(?m)^fhir = \[.*\]$", lambda _: f"fhir = [{services}]", text)
        brokers = "".join(
            f'  {{ app = "{uuid.uuid5(uuid.UUID(self.tenant), uri)}", display_name = "Kafka", identifier_uris = ["{uri}"] }},\n'
            for uri in (RESOURCE, STRANGER)
        )
        return text.replace("applications = [\n", f"applications = [\n{brokers}")

    def secrets(self, password=None):
        return {**super().secrets(password), "KAFKA_PASSWORD": self.kafka_password}

    def identities(self, process):
        """The object ids of the managed identities that its services have."""
        lines = [line for line in process.logged().splitlines() if "has a managed identity" in line]
        return [re.search(r'object"?[:=]"?([0-9a-f-]{36})', line).group(1) for line in lines]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    kafka = Kafka(tmp_path_factory.mktemp("kafka"))
    yield kafka
    kafka.close()


@pytest.fixture(scope="module")
def pair(kafka, tmp_path_factory):
    """Two processes on PostgreSQL, which start while Kafka does."""
    events = kafka.events(kafka.by_password, f'user = "{USER}", password = {{ env = "KAFKA_PASSWORD" }}')
    pair = Installation(tmp_path_factory.mktemp("pair"), {"fhir": events})
    try:
        for process in pair.processes:
            process.start()
        yield pair
    finally:
        pair.close()


@pytest.fixture(scope="module")
def alone(kafka, pair, tmp_path_factory):
    """One process with files. The brokers take the tokens of one of its services, not those of another, and the third has no
    events."""
    services = {
        "fhir": kafka.events(kafka.by_identity, f'resource = "{RESOURCE}"'),
        "stranger": kafka.events(kafka.by_identity, f'resource = "{STRANGER}"'),
        "silent": None,
    }
    alone = Installation(tmp_path_factory.mktemp("alone"), services, files="[space]\nreserve_mib = 0\n")
    [process] = alone.processes
    try:
        process.start()
        process.wait()
        origin = f"https://localhost:{process.login_port}/{alone.tenant}"
        issuer = f"https://localhost:{alone.login_port}/{alone.tenant}/"
        kafka.start(issuer, f"{origin}/discovery/keys", alone.authority, alone.identities(process))
        yield alone
    finally:
        alone.close()


class Caller:
    """Somebody who may do everything at a service of a process."""

    def __init__(self, process, service="fhir"):
        self.cluster, self.session = process.cluster, requests.Session()
        self.address = process.fhir.replace("/ch/fhir", f"/ch/{service}")
        # As the configuration has it; the process is asked past the proxy that is not there.
        self.base = self.cluster.fhir.replace("/ch/fhir", f"/ch/{service}")
        answer = self.cluster.loader_token(process.login, service)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    def send(self, method, path, body=None, expected=None, **headers):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": FHIR_JSON,
                   **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = body if isinstance(body, str | None) else json.dumps(body)
        answer = self.session.request(method, f"{self.address}/{path}".rstrip("/"), data=data, headers=headers,
                                      verify=str(self.cluster.authority.file), timeout=60)
        assert expected is None or answer.status_code == expected, (method, path, answer.status_code, answer.text)
        return answer

    def events(self, kafka):
        """What was told of each resource, in order; each record is of the documented shape."""
        told, account = defaultdict(list), self.base.removeprefix("https://")
        for record in kafka.records(self.base):
            headers, value = record.headers, json.loads(record.value)
            subject = f"{account}/{value['resourceType']}/{value['resourceFhirId']}"
            assert record.key == f"{self.cluster.tenant}/{subject}"
            assert list(value) == ["resourceType", "resourceFhirAccount", "resourceFhirId", "resourceVersionId"], value
            assert value["resourceFhirAccount"] == account
            assert datetime.datetime.fromisoformat(headers.pop("ce_time")).tzinfo
            number, change = int(headers.pop("ce_id")), headers.pop("ce_type")
            assert change.startswith(TYPES), change
            assert headers == {"ce_specversion": "1.0", "ce_source": self.base, "ce_subject": subject,
                               "ce_tenant": self.cluster.tenant, "content-type": "application/json"}
            told[subject.removeprefix(f"{account}/")].append((number, change.removeprefix(TYPES), value["resourceVersionId"]))
        return told


def entry(method, url, resource=None):
    return {"request": {"method": method, "url": url}, **({"resource": resource} if resource else {})}


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def test_each_write_is_told_and_nothing_else(kafka, alone):
    [process] = alone.processes
    caller, expected = Caller(process), defaultdict(list)
    send = caller.send

    def wrote(change, name, version=1):
        expected[name].append((change, version))

    # The life of one.
    life = send("POST", "Patient", patient(), 201).json()
    name = f"Patient/{life['id']}"
    send("PUT", name, {**life, "active": True}, 200)
    operations = [{"op": "replace", "path": "/active", "value": False}]
    send("PATCH", name, operations, 200, Content_Type="application/json-patch+json")
    send("DELETE", name, None, 204)
    send("DELETE", name, None, 204)
    send("PUT", name, life, 201)
    for version, change in enumerate(["Created", "Updated", "Updated", "Deleted", "Created"], 1):
        wrote(change, name, version)

    # On conditions, met and not.
    met = patient(id=str(uuid.uuid4()))
    name, query = f"Patient/{met['id']}", f"Patient?identifier={identifier(met)}"
    send("PUT", name, met, 201)
    send("POST", "Patient", met, 200, If_None_Exist=f"identifier={identifier(met)}")
    send("PUT", query, met, 200)
    send("DELETE", query, None, 204)
    for version, change in enumerate(["Created", "Updated", "Deleted"], 1):
        wrote(change, name, version)

    # What is refused.
    send("PUT", f"Patient/{life['id']}", life, 412, If_Match='W/"9"')
    send("POST", "Patient", {"resourceType": "Patient", "gender": "blue"}, 400)
    send("POST", "Patient", patient(), 401, Authorization="Bearer nobody")

    # Bundles: all or nothing, each for itself.
    first, second, wrong = patient(id=str(uuid.uuid4())), patient(), {"resourceType": "Patient", "gender": "blue"}
    whole = bundle("transaction", entry("PUT", f"Patient/{first['id']}", first), entry("POST", "Patient", second),
                   entry("DELETE", f"Patient/{life['id']}"))
    made = send("POST", "", whole, 200).json()
    wrote("Created", f"Patient/{first['id']}")
    wrote("Created", f"Patient/{made['entry'][1]['response']['location'].split('/Patient/')[1].split('/')[0]}")
    wrote("Deleted", f"Patient/{life['id']}", 6)
    send("POST", "", bundle("transaction", entry("POST", "Patient", patient()), entry("POST", "Patient", wrong)), 400)
    send("POST", "", bundle("batch", entry("PUT", f"Patient/{first['id']}", first), entry("POST", "Patient", wrong)), 200)
    wrote("Updated", f"Patient/{first['id']}", 2)

    # Many at once, one of them refused.
    many = [patient(id=str(uuid.uuid4())) for _ in range(5)]
    lines = "\n".join(json.dumps(resource) for resource in [*many[:3], wrong, *many[3:]])
    report = send("POST", ".hygie/bulk", lines, 200, Content_Type="application/fhir+ndjson").json()
    assert (report["created"], report["refused"]) == (5, 1), report
    for resource in many:
        wrote("Created", f"Patient/{resource['id']}")

    # Another service of the same process has no events.
    Caller(process, "silent").send("POST", "Patient", patient(), 201)
    assert 'service="ch/fhir"' in metrics(process) and 'service="ch/silent"' not in metrics(process)

    count = sum(map(len, expected.values()))
    wait_for(lambda: f"{caller.events(kafka)}", lambda: sum(map(len, caller.events(kafka).values())) >= count, 30)
    threading.Event().wait(1)
    told = caller.events(kafka)
    assert {name: [(change, version) for _, change, version in events] for name, events in told.items()} == expected
    numbers = [[number for number, _, _ in events] for events in told.values()]
    assert all(numbers == sorted(numbers) for numbers in numbers)
    assert len(set(sum(numbers, []))) == count
    assert len({record.partition for record in kafka.records(caller.base)}) > 1


def test_a_killed_process_loses_no_event(kafka, alone):
    [process] = alone.processes
    caller, over = Caller(process), threading.Event()
    answered, failures = Counter(), []

    def write(name):
        own = Caller(process)
        while not over.is_set():
            try:
                answer = own.send("PUT", name, {**patient(), "id": name.split("/")[1]})
                assert answer.status_code in (200, 201), answer.text
                answered[name] = int(answer.headers["ETag"].strip('W/"'))
            except requests.RequestException:
                over.wait(0.05)
            except Exception as error:
                failures.append(repr(error))
                return

    names = [f"Patient/{uuid.uuid4()}" for _ in range(WRITERS)]
    threads = [threading.Thread(target=write, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    enough = lambda count: lambda: answered.total() >= count or failures
    wait_for("nothing is written", enough(150))
    process.kill()
    before = answered.total()
    process.start()
    process.wait()
    wait_for("it does not go on", enough(before + 50))
    over.set()
    for thread in threads:
        thread.join()
    assert not failures, failures

    told = lambda: caller.events(kafka)
    arrived = lambda: all(max((version for *_, version in told()[name]), default=0) >= answered[name] for name in names)
    # Files have one process: it need not wait for the lease of the one that was killed.
    took = wait_for(lambda: f"{told()} is not {answered}", arrived, 20)
    assert took < 20
    for name, events in told().items():
        if name not in names:
            continue
        seen = 0
        for _, change, version in events:
            # It may come again, but nothing is left out and nothing new comes before what is older.
            assert version <= seen + 1, (name, events)
            assert change == ("Created" if version == 1 else "Updated")
            seen = max(seen, version)
        # What was written and not answered may be told; what is not there is not.
        assert caller.send("GET", f"{name}/_history?_summary=count", None, 200).json()["total"] == seen
    assert process.run("check-config", "--online").returncode == 0


def test_two_processes_tell_once(kafka, alone, pair):
    for process in pair.processes:
        process.wait()
    callers = [Caller(process) for process in pair.processes]
    created, lock = set(), threading.Lock()

    def write(caller, count):
        for _ in range(count):
            made = caller.send("POST", "Patient", patient(), 201).json()
            with lock:
                created.add(f"Patient/{made['id']}")

    threads = [threading.Thread(target=write, args=[caller, 20]) for caller in callers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = lambda: callers[0].events(kafka)
    arrived = lambda: set(told()) >= created
    wait_for(lambda: f"{len(told())} of {len(created)}", arrived, 30)
    assert len(created) == 80
    assert {name: [(change, version) for _, change, version in events] for name, events in told().items()} == \
        {name: [("Created", 1)] for name in created}
    counted = lambda: [metric(process, "hygie_events_delivered_total", "ch/fhir") for process in pair.processes]
    # An event is counted when that it has arrived is written down.
    wait_for(counted, lambda: sum(counted()) >= 80, 10)
    delivered = counted()
    assert sorted(delivered) == [0, 80], delivered

    # Who delivers stops, and gives the lease back: the other does not wait for its end.
    busy, idle = (0, 1) if delivered[0] else (1, 0)
    assert pair.processes[busy].stop() == 0
    write(callers[idle], 1)
    wait_for("the other does not deliver", arrived, 15)


def test_what_the_brokers_refuse_waits(kafka, alone, pair):
    [process] = alone.processes
    caller = Caller(process, "stranger")
    caller.send("POST", "Patient", patient(), 201)
    said = lambda: [line for line in process.logged().splitlines() if "events wait for Kafka" in line and "/ch/stranger" in line]
    wait_for(lambda: process.logged()[-3000:], said, 30)
    assert "refuses the login" in said()[0], said()
    waits = lambda: metric(process, "hygie_events_waiting", "ch/stranger") == 1
    wait_for(lambda: metrics(process), waits, 30)
    assert metric(process, "hygie_events_failures_total", "ch/stranger") > 1
    assert len(said()) == 1, said()
    assert kafka.records(caller.base) == []
    assert process.stop() == 0

    # The same is told before a start.
    other = pair.processes[0]
    check = lambda: other.run("check-config", "--online")
    fine = check()
    assert fine.returncode == 0, fine.stdout
    pair.kafka_password = "let me out"
    refused = check()
    assert refused.returncode == 1 and "events of fhir: the broker refuses the login" in refused.stdout, refused.stdout
    assert "let me out" not in refused.stdout
    pair.kafka_password = PASSWORD
    text = other.config.read_text()
    other.config.write_text(text.replace('topic = "fhir"', 'topic = "absent"'))
    absent = check()
    other.config.write_text(text)
    assert absent.returncode == 1 and "there is no topic absent" in absent.stdout, absent.stdout
    for one in [process, *pair.processes]:
        assert "panicked" not in one.logged()


def metrics(process):
    return requests.get(f"http://127.0.0.1:{process.health_port}/metrics", timeout=10).text


def metric(process, name, service):
    found = re.search(rf'^{name}\{{service="{service}"\}} (\S+)$', metrics(process), re.MULTILINE)
    return float(found.group(1)) if found else 0
