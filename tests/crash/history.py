"""What the laboratory was answered, and whether that is what is there.

Each write has content that nothing else has. *Done* (2xx) has to be there, in exactly this version, and found by search;
*refused* (4xx, 503, never sent) must not show; of what is *unknown* (no answer) either is right, but all of it or nothing.
"""

import hashlib
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field

import requests
from urllib3.exceptions import NewConnectionError

DONE, REFUSED, UNKNOWN = "done", "refused", "unknown"
SYSTEM = "urn:oid:1.2.250.1.213.1.4.8"
# An instance with large objects, that no service uses.
STILL = "imaging"


class Wrong(AssertionError):
    """What is there is not what was answered."""


def expect(is_so, *why):
    if not is_so:
        raise Wrong(" ".join(map(str, why)))


def session(world, token=None):
    """Connections of one client."""
    made = requests.Session()
    made.trust_env = False
    made.verify = world.ca
    if token:
        made.headers.update({"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"})
    return made


def send(client, method, url, **options):
    """Sends a request: its outcome, and the answer where there is one."""
    try:
        answer = client.request(method, url, timeout=30, allow_redirects=False, **options)
    except requests.RequestException as error:
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        return (REFUSED if isinstance(reason, NewConnectionError) else UNKNOWN), None
    if answer.status_code < 400:
        return DONE, answer
    expect(answer.status_code not in (500, 501, 502), method, url, text(answer))
    return (UNKNOWN if answer.status_code in (408, 504) else REFUSED), answer


def text(answer):
    """What an answer says, where there is one."""
    return None if answer is None else f"{answer.status_code} {answer.text[:500]}"


def fresh(prefix):
    return f"{prefix}{uuid.uuid4().hex}"


@dataclass(eq=False)
class Resource:
    """A resource of one client: the versions that it was answered, `None` for a deletion."""

    kind: str
    key: str = field(default_factory=lambda: fresh("k"))
    id: str | None = None
    versions: list = field(default_factory=list)

    def body(self, content, subject=None):
        """The resource with this content."""
        identifier = [{"system": SYSTEM, "value": self.key}]
        body = {"resourceType": self.kind, "identifier": identifier}
        if self.id:
            body["id"] = self.id
        if self.kind == "Patient":
            return {**body, "name": [{"family": content}], "birthDate": "1957-03-14"}
        return {**body, "status": "final", "code": {"text": content}, "subject": {"reference": subject}}

    @property
    def is_deleted(self):
        return bool(self.versions) and self.versions[-1] is None


def content_of(body):
    return body["name"][0]["family"] if body["resourceType"] == "Patient" else body["code"]["text"]


@dataclass(eq=False)
class Attempt:
    """Writes that are done together or not at all, and of which no answer came."""

    writes: list  # (Resource, content)


@dataclass(eq=False)
class Content:
    """A Binary, sent and kept as it is."""

    digest: str
    id: str = field(default_factory=lambda: fresh("x"))


@dataclass
class Person:
    """A browser that signed in, and what its application got."""

    browser: requests.Session
    is_signed_in: bool | None = True  # None: nobody knows
    # With the refresh token that each gave, where an answer came.
    used_codes: list = field(default_factory=list)
    # A refusal leaves them as they were.
    unused_codes: list = field(default_factory=list)
    refresh: str | None = None
    revoked: list = field(default_factory=list)


class History:
    """All answers of one world."""

    def __init__(self):
        self.lock = threading.Lock()
        self.resources, self.recent = [], []
        self.attempts, self.refused, self.conditional = [], [], []
        self.people = []
        # While a disk fails that will be gone with the process, 503 tells that a write is not known to be durable: it may be.
        self.is_disk_failing = False
        self.counts = Counter()
        self.since = Counter()
        self.entries = {}
        # Contents that are there, those among them that are new, those that must not be there, and those of which nobody knows.
        self.contents, self.new_contents, self.refused_contents, self.open_contents = [], [], [], []
        # How many large objects an instance has that no service uses.
        self.objects = {}

    def count(self, name, number=1):
        with self.lock:
            self.counts[name] += number
            self.since[name] += number

    def outcome(self, outcome, answer):
        """What the outcome of a write tells."""
        is_unknown = self.is_disk_failing and answer is not None and answer.status_code == 503
        return UNKNOWN if is_unknown else outcome

    def note(self, writes, outcome, entries):
        """The outcome of writes that are one transaction, and have so many entries in the trail."""
        with self.lock:
            self.counts[outcome] += 1
            self.since[outcome] += entries
            for resource, content in writes:
                if outcome == DONE:
                    resource.versions.append(content)
                    if len(resource.versions) == 1:
                        self.resources.append(resource)
                elif outcome == REFUSED and not resource.versions:
                    self.refused.append(resource)
                if resource not in self.recent:
                    self.recent.append(resource)
            if outcome == UNKNOWN:
                self.attempts.append(Attempt(writes))

    def note_content(self, content, outcome):
        """The outcome of a write of a content."""
        with self.lock:
            self.counts[outcome] += 1
            self.since[outcome] += 1
            if outcome == DONE:
                self.counts["content"] += 1
                self.contents.append(content)
                self.new_contents.append(content)
            elif outcome == REFUSED:
                self.refused_contents.append(content)
            else:
                self.open_contents.append(content)

    def settled(self, random, number):
        """Some resources whose state is known, for a client to change on."""
        with self.lock:
            patients = [resource for resource in self.resources if resource.kind == "Patient"]
            known = [resource for resource in patients if not resource.is_deleted and len(resource.versions) < 40]
            return random.sample(known, min(number, len(known)))


# Entries that a bundle may have.
BATCH = 500


class Checker:
    """Compares a world with its history."""

    def __init__(self, world, history, random):
        self.world, self.history, self.random = world, history, random
        self.client = session(world, world.token("fhir-writer"))

    def gets(self, paths):
        """Reads all of these, as many at once as a batch may have; (status, body) of each."""
        entries, found = [{"request": {"method": "GET", "url": path}} for path in paths], []
        for first in range(0, len(entries), BATCH):
            bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries[first:first + BATCH]}
            answer = self.client.post(self.world.fhir, json=bundle, timeout=120)
            expect(answer.status_code == 200, "reading", text(answer))
            found += answer.json()["entry"]
        self.history.count("read", len(entries))
        return [(int(entry["response"]["status"][:3]), entry.get("resource")) for entry in found]

    def look(self, resources):
        """What is there of each resource: its versions, and as what a search by its identifier finds it."""
        named = [resource for resource in resources if resource.id]
        histories = self.gets(f"{one.kind}/{one.id}/_history?_count=100" for one in named)
        searches = self.gets(f"{one.kind}?identifier={SYSTEM}|{one.key}" for one in resources)
        versions = {one: versions_of(one, *answer) for one, answer in zip(named, histories, strict=True)}
        return [There(versions.get(one), found_of(one, *answer)) for one, answer in zip(resources, searches, strict=True)]

    def check(self):
        """Everything since the last time, some of what is older, and what nobody was answered."""
        history = self.history
        self.check_trail()
        for attempt in history.attempts:
            self.settle(attempt)
        history.attempts = []
        self.settle_conditional()
        self.check_contents()
        recent = [resource for resource in history.recent if resource.versions]
        older = self.random.sample(history.resources, min(8, len(history.resources)))
        resources = list(dict.fromkeys([*recent, *older]))
        for resource, there in zip(resources, self.look(resources), strict=True):
            check_resource(resource, there)
        for resource, there in zip(history.refused, self.look(history.refused), strict=True):
            expect(not there.found, "refused, and there all the same:", resource.key)
        history.recent, history.refused = [], []

    def check_contents(self):
        """What was answered is there whole, what was refused is not, and of the others there is all or nothing."""
        history = self.history
        older = self.random.sample(history.contents, min(3, len(history.contents)))
        for content in dict.fromkeys([*history.new_contents, *older]):
            expect(self.is_there(content), "content", content.id, "is gone")
        for content in history.refused_contents:
            expect(not self.is_there(content), "refused, and there all the same: content", content.id)
        history.contents += [content for content in history.open_contents if self.is_there(content)]
        history.new_contents, history.refused_contents, history.open_contents = [], [], []

    def is_there(self, content):
        """Whether a content is there, as it was sent."""
        url, headers = f"{self.world.fhir}/Binary/{content.id}", {"Accept": "application/octet-stream"}
        answer = self.client.get(url, headers=headers, timeout=120)
        if answer.status_code == 404:
            return False
        expect(answer.status_code == 200, "content", content.id, text(answer))
        self.history.count("read")
        digest = hashlib.sha256(answer.content).hexdigest()
        expect(digest == content.digest, "content", content.id, "is not what was sent:", len(answer.content), "bytes")
        return True

    def check_trail(self):
        """`hygie verify` is clean, and the trail has each write once."""
        since, entries = self.history.since, self.verified()
        before = self.history.entries
        for name, (writes, accesses) in entries.items():
            if name not in before:
                continue
            if name == STILL:
                expect((writes, accesses) == before[name], name, "is used by nobody and has", entries[name], before[name])
                continue
            least = since[DONE] if name != "directory" else since["sign-in"]
            most = since[DONE] + since[UNKNOWN] if name != "directory" else None
            new = writes - before[name][0]
            expect(new >= least, name, "has", new, "new entries for", least, "answered writes")
            expect(most is None or new <= most, name, "has", new, "new entries for at most", most, "writes")
            if name != "directory":
                new = accesses - before[name][1]
                expect(new >= since["read"], name, "has", new, "new accesses for", since["read"])
        self.history.entries = entries
        self.history.since.clear()

    def verified(self):
        """Entries of the trails of each instance, of writes and of accesses."""
        report = self.world.verify()
        expect(report["ok"], "verify:", report)
        counts = {one["name"]: one["blobs"]["count"] for one in report["instances"] if "blobs" in one}
        history = self.history
        still = {name: counts.pop(name) for name in history.objects}
        expect(still == history.objects, "large objects:", still, "and there were", history.objects)
        least, there = len(history.contents), sum(counts.values())
        expect(least <= there <= least + len(history.open_contents), "contents:", there, "and", least, "were answered")
        return {one["name"]: (one["writes"]["entries"], one["accesses"]["entries"]) for one in report["instances"]}

    def settle(self, attempt):
        """Finds out whether it was done: all of it or nothing."""
        resources = [resource for resource, _ in attempt.writes]
        looked = self.look(resources)
        done = [was_done(*write, there) for write, there in zip(attempt.writes, looked, strict=True)]
        expect(len(set(done)) == 1, "done in part:", [(one.kind, one.key, one.id) for one in resources], done)
        for resource, content in attempt.writes:
            if done[0]:
                resource.versions.append(content)
                if len(resource.versions) == 1:
                    self.history.resources.append(resource)

    def settle_conditional(self):
        """A create on a condition that is sent again, whatever came of it before: there is one."""
        for resource, content in self.history.conditional:
            [before] = self.look([resource])
            outcome, answer = conditional_create(self.client, self.world, resource, content)
            expect(outcome == DONE and answer.status_code == (200 if before.found else 201), resource.key, text(answer))
            self.history.count(DONE, 0 if before.found else 1)
            [after] = self.look([resource])
            expect(len(after.found) == 1 and before.found in ([], after.found), resource.key, before, after)
            resource.id, resource.versions = after.found[0][0], [content]
            self.history.resources.append(resource)
        self.history.conditional = []


@dataclass
class There:
    """What is there of a resource."""

    versions: list | None  # contents, oldest first; `None` when its id is not known
    found: list  # (id, number of the version, content) of each that the search finds


def versions_of(resource, status, body):
    """The contents of all versions, oldest first; their numbers have neither gap nor double."""
    if status == 404:
        return []
    expect(status == 200, resource.kind, resource.id, status, body)
    entries = body["entry"][::-1]
    numbers = [entry["response"]["etag"] for entry in entries]
    expect(numbers == [f'W/"{n}"' for n in range(1, len(entries) + 1)], resource.id, numbers)
    return [content_of(entry["resource"]) if "resource" in entry else None for entry in entries]


def found_of(resource, status, body):
    expect(status == 200, resource.kind, resource.key, status, body)
    found = [entry["resource"] for entry in body.get("entry", [])]
    return [(one["id"], one["meta"]["versionId"], content_of(one)) for one in found]


def was_done(resource, content, there):
    if resource.id is None:
        expect(len(there.found) <= 1, resource.key, "was created several times:", there)
        resource.id = there.found[0][0] if there.found else None
        return bool(there.found)
    expected = (resource.versions, [*resource.versions, content])
    expect(there.versions in expected, resource.kind, resource.id, "has", there.versions, "and not one of", expected)
    return len(there.versions) > len(resource.versions)


def check_resource(resource, there):
    is_so = there.versions == resource.versions
    expect(is_so, resource.kind, resource.id, "has", there.versions, "and was answered", resource.versions)
    current = (resource.id, str(len(resource.versions)), resource.versions[-1])
    expect(there.found == ([] if resource.is_deleted else [current]), resource.kind, resource.id, "is found as", there)


def conditional_create(client, world, resource, content):
    condition = {"If-None-Exist": f"identifier={SYSTEM}|{resource.key}"}
    return send(client, "POST", f"{world.fhir}/{resource.kind}", json=resource.body(content), headers=condition)
