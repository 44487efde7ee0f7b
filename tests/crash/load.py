"""The load of the laboratory: clients of the FHIR service that create, change and delete, alone and in transactions."""

import hashlib
import json
import threading
import time
from random import Random

from history import DONE, REFUSED, UNKNOWN, Content, Resource, conditional_create, expect, fresh, send, session, text
from signing import Signing

CLIENTS = 4
# Bytes of the contents that are sent: some within one piece of what is sealed, some of many.
LENGTHS = [300, 70_000, 1_400_000]


class Client:
    """A client with resources of its own, which nobody else changes."""

    def __init__(self, world, history, random, mine):
        self.world, self.history, self.random = world, history, random
        self.client = session(world, world.token("fhir-writer"))
        self.importing = world.token("fhir-importer")
        self.mine = mine
        self.times = []

    def run(self, over):
        """Until it is over or the process is gone."""
        kinds = {
            self.create: 30, self.update: 25, self.delete: 6, self.transaction: 14, self.bulk: 8, self.conditional: 6,
            self.stale: 5, self.invalid: 5, self.read: 4,
        }
        if self.world.keeps_contents:
            kinds[self.content] = 4
        works, weights = list(kinds), list(kinds.values())
        while not over.is_set():
            before = time.monotonic()
            outcome = self.random.choices(works, weights)[0]()
            self.times.append((before, time.monotonic() - before, outcome))
            if outcome != DONE and not self.world.is_running():
                return
            if outcome == UNKNOWN:
                # Each is looked at afterwards.
                over.wait(0.05)

    def write(self, method, url, **options):
        outcome, answer = send(self.client, method, url, **options)
        return self.history.outcome(outcome, answer), answer

    def url(self, resource=None, kind="Patient"):
        return f"{self.world.fhir}/{resource.kind}/{resource.id}" if resource else f"{self.world.fhir}/{kind}"

    def settle(self, writes, outcome, entries=None):
        """Notes the outcome; what nobody knows is not touched again before it was looked at."""
        self.history.note(writes, outcome, len(writes) if entries is None else entries)
        for resource, content in writes:
            if outcome == UNKNOWN and resource in self.mine:
                self.mine.remove(resource)
            elif outcome == DONE and resource not in self.mine and content is not None and resource.kind == "Patient":
                self.mine.append(resource)
        return outcome

    def create(self):
        resource, content = Resource("Patient"), fresh("c")
        outcome, answer = self.write("POST", self.url(), json=resource.body(content))
        if outcome == DONE:
            expect(answer.status_code == 201, text(answer))
            resource.id = answer.json()["id"]
        return self.settle([(resource, content)], outcome)

    def pick(self):
        return self.random.choice(self.mine) if self.mine else None

    def update(self):
        resource, content = self.pick(), fresh("u")
        if resource is None:
            return self.create()
        headers = {"If-Match": f'W/"{len(resource.versions)}"'} if self.random.random() < 0.5 else {}
        outcome, answer = self.write("PUT", self.url(resource), json=resource.body(content), headers=headers)
        if outcome == DONE:
            expect(answer.headers["ETag"] == f'W/"{len(resource.versions) + 1}"', answer.headers, resource.versions)
        self.expect_no_fault(answer)
        return self.settle([(resource, content)], outcome)

    def delete(self):
        resource = self.pick()
        if resource is None:
            return self.create()
        outcome, answer = self.write("DELETE", self.url(resource))
        self.expect_no_fault(answer)
        if outcome == DONE:
            self.mine.remove(resource)
        return self.settle([(resource, None)], outcome)

    def expect_no_fault(self, answer):
        """What is right is refused only when the disk fails."""
        expect(answer is None or answer.status_code < 400 or answer.status_code == 503, text(answer))

    def transaction(self):
        """A patient with two observations, and a change of another one: all or nothing."""
        patient, observations = Resource("Patient"), [Resource("Observation"), Resource("Observation")]
        name = f"urn:uuid:{fresh('')[:8]}-0000-4000-8000-{fresh('')[:12]}"
        writes = [(patient, fresh("t")), *((one, fresh("t")) for one in observations)]
        entries = [
            {"fullUrl": name if resource is patient else f"urn:uuid:{fresh('')[:8]}-0000-4000-8000-{fresh('')[:12]}",
             "resource": resource.body(content, subject=name), "request": {"method": "POST", "url": resource.kind}}
            for resource, content in writes
        ]
        changed = self.pick()
        if changed:
            content = fresh("t")
            writes.append((changed, content))
            request = {"method": "PUT", "url": f"Patient/{changed.id}"}
            entries.append({"fullUrl": self.url(changed), "resource": changed.body(content), "request": request})
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        outcome, answer = self.write("POST", self.world.fhir, json=bundle)
        self.expect_no_fault(answer)
        if outcome == DONE:
            for (resource, _), entry in zip(writes, answer.json()["entry"], strict=True):
                resource.id = entry["response"]["location"].split(f"{resource.kind}/")[1].split("/")[0]
        return self.settle(writes, outcome)

    def bulk(self):
        """New patients and changes of others, one a line: what the service writes at once is there whole or not at all."""
        writes = [(Resource("Patient", id=fresh("b")), fresh("b")) for _ in range(self.random.randint(2, 12))]
        writes += [(one, fresh("b")) for one in self.random.sample(self.mine, min(3, len(self.mine)))]
        lines = "".join(json.dumps(resource.body(content)) + "\n" for resource, content in writes)
        headers = {"Content-Type": "application/fhir+ndjson", "Authorization": f"Bearer {self.importing}"}
        outcome, answer = self.write("POST", f"{self.world.fhir}/.hygie/bulk", data=lines, headers=headers)
        self.expect_no_fault(answer)
        if outcome == DONE:
            report, changed = answer.json(), sum(1 for resource, _ in writes if resource.versions)
            expect([report["created"], report["updated"]] == [len(writes) - changed, changed], text(answer))
        return self.settle(writes, outcome, entries=1)

    def conditional(self):
        """Twice the same: the second finds the first. After a restart it is sent once more."""
        resource, content = Resource("Patient"), fresh("n")
        outcome, answer = conditional_create(self.client, self.world, resource, content)
        outcome = self.history.outcome(outcome, answer)
        if outcome != DONE:
            self.history.count(outcome)
            with self.history.lock:
                if outcome == UNKNOWN:
                    self.history.conditional.append((resource, content))
                else:
                    self.history.refused.append(resource)
            return outcome
        expect(answer.status_code == 201, answer.status_code)
        resource.id = answer.json()["id"]
        self.settle([(resource, content)], DONE)
        outcome, answer = conditional_create(self.client, self.world, resource, fresh("n"))
        expect(outcome != DONE or answer.status_code == 200, "created twice on a condition:", resource.key)
        return outcome

    def stale(self):
        """A change of an older version: refused."""
        resource = self.pick()
        if resource is None or len(resource.versions) < 2:
            return self.update()
        outcome, answer = send(
            self.client, "PUT", self.url(resource), json=resource.body(fresh("s")), headers={"If-Match": 'W/"1"'}
        )
        expect(outcome != DONE, "an old version was written over:", resource.id)
        return outcome

    def invalid(self):
        """Refused, alone or in a transaction whose other entries are right."""
        resource = Resource("Patient")
        body = {**resource.body(fresh("i")), "birthDate": "the day before"}
        if self.random.random() < 0.5:
            outcome, _ = send(self.client, "POST", self.url(), json=body)
        else:
            other = Resource("Patient")
            entries = [{"resource": one, "request": {"method": "POST", "url": "Patient"}}
                       for one in (other.body(fresh("i")), body)]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            outcome, _ = send(self.client, "POST", self.world.fhir, json=bundle)
            with self.history.lock:
                self.history.refused.append(other)
        expect(outcome != DONE, "a resource that is none was taken")
        with self.history.lock:
            self.history.refused.append(resource)
        return outcome

    def content(self):
        """A Binary in its native form."""
        body = self.random.randbytes(self.random.choice(LENGTHS))
        content = Content(hashlib.sha256(body).hexdigest())
        headers = {"Content-Type": "application/octet-stream"}
        outcome, answer = self.write("PUT", f"{self.world.fhir}/Binary/{content.id}", data=body, headers=headers)
        self.expect_no_fault(answer)
        expect(outcome != DONE or answer.status_code == 201, text(answer))
        self.history.note_content(content, outcome)
        return outcome

    def read(self):
        resource = self.pick()
        if resource is None:
            return self.create()
        outcome, answer = send(self.client, "GET", self.url(resource))
        if outcome == DONE:
            self.history.count("read")
            expect(answer.json()["meta"]["versionId"] == str(len(resource.versions)), answer.text, resource.versions)
        return outcome


class Load:
    """Clients and an application with its people, at once: in one world, or at several processes in turn."""

    def __init__(self, worlds, history, seed):
        random = Random(seed)
        known = history.settled(random, 8 * CLIENTS)
        self.clients = [
            Client(worlds[at % len(worlds)], history, Random(random.random()), known[at::CLIENTS])
            for at in range(CLIENTS)
        ]
        self.signing = Signing(worlds[0], history, Random(random.random()))
        self.over = threading.Event()
        self.faults = []
        self.threads = [
            threading.Thread(target=self.guard, args=(one.run,), daemon=True) for one in [*self.clients, self.signing]
        ]

    def guard(self, run):
        try:
            run(self.over)
        except Exception as fault:  # noqa: BLE001 — told to the test by `end`
            self.faults.append(fault)
            self.over.set()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=60)
        if self.faults:
            raise self.faults[0]

    def outcomes(self):
        """(began, took, outcome) of each request."""
        return sorted(entry for client in self.clients for entry in client.times)
