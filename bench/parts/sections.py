"""What is measured. Each section adds its figures to the report; targets are those of the design."""

import json
import time

from . import data, limits, machine
from .searches import searches
from .world import Failed
from .wrk import Load

# The store merges its index tail meanwhile.
SETTLE = 10
COLD_TOKENS = 8000
CREATING_CLIENTS = 32
ROUNDS = 3
# Milliseconds between an answer and the next create of a client: about the 8 000 creates a second of the target.
PAUSE = 2
STORE_RESOURCES = 50_000


class Bench:
    """One run: a world, a load generator, a report, and the limits."""

    def __init__(self, world, wrk, report, tools):
        self.world = world
        self.wrk = wrk
        self.report = report
        self.tools = tools
        self.loaded = None
        self._sample = None

    def sample(self):
        if self._sample is None:
            self._sample = data.Sample.of(self.world)
        return self._sample

    def get(self, path, app="fhir-reader"):
        return ("GET", f"{self.world.fhir}/{path}", self.world.headers(app), None)

    def nothing(self, token=None):
        """The cheapest request that is authenticated, authorized and audited: an operation that is not built."""
        headers = self.world.headers("fhir-reader")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return ("GET", f"{self.world.fhir}/$nothing", headers, None)

    # The sections, in the order in which they are run.

    def start(self):
        """Start time and memory of an idle process; leaves the world started."""
        report = self.report
        report.add("first start, until ready", self.world.start(), "s")
        self.world.stop()
        report.add("second start, until ready", self.world.start(), "s", target=2, at_most=True)
        time.sleep(SETTLE)
        report.add("resident memory, idle", machine.resident_mib(self.world.pid), "MiB", target=150, at_most=True)

    def token(self):
        """Client credentials against the bare signature."""
        raw = limits.micros(self.tools.jose)["raw RS256, all cores at once"]
        url, form = self.world.token_request("fhir-reader")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        load = self.wrk.run([("POST", url, headers, form)], 8)
        limit = ("raw RS256 signatures on both cores", 2e6 / raw)
        self.report.add("client-credentials tokens", load.rate, "/s", limit=limit, target=0.7, **load.detail())

    def bearer(self):
        """The bearer check alone, then as the CPU time that unknown tokens add to a request."""
        check = limits.micros(self.tools.access)
        verification = ("one RS256 verification", check["verify RS256"])
        self.report.add("bearer check, known", check["authenticate, known"], "µs", target=5, at_most=True)
        cold = check["authenticate, first time"]
        self.report.add("bearer check, cold", cold, "µs", target=60, at_most=True)
        self.report.add("bearer check, cold", cold, "µs", limit=verification)
        tokens = self.world.new_tokens("fhir-reader", COLD_TOKENS)
        new = self.wrk.run([self.nothing(token) for token in tokens], 4, once=True, refused=True)
        again = self.wrk.run([self.nothing(token) for token in tokens], 4, once=True, refused=True)
        added = new.cpu_micros - again.cpu_micros
        self.report.add("over https: what an unknown token adds", added, "µs", limit=verification, tokens=COLD_TOKENS)

    def read(self):
        """Read by id against the empty route."""
        sample = self.sample()
        found = [f"{kind['resourceType']}/{kind['id']}" for kind in (sample.patients + sample.observations)[:1000]]
        reads = [self.get(path) for path in found]
        # In turn: the speed of a shared machine changes from minute to minute, the ratio does not.
        rounds = [(self.wrk.run([self.nothing()], 8, refused=True), self.wrk.run(reads, 8)) for _ in range(ROUNDS)]
        empty, load = (Load.together(runs) for runs in zip(*rounds, strict=True))
        self.report.add("empty authenticated route", empty.rate, "/s", **empty.detail())
        limit = ("empty authenticated route", empty.rate)
        self.report.add("read by id, audited", load.rate, "/s", limit=limit, target=0.6, **load.detail())

    def create(self):
        """Durable creates of 32 clients against the store alone and the disk."""
        directory = self.world.directory
        store = limits.store(self.tools.store, directory / "store", STORE_RESOURCES)["create from an empty store"]
        syncs = limits.syncs(directory)
        self.report.add("fdatasync of 4 KiB appended", syncs, "/s")
        kept = {"per_second_seen": store["seen"], "p50_ms": store["p50_ms"], "p99_ms": store["p99_ms"]}
        self.report.add("store alone, durable creates with index", store["rate"], "/s", **kept)
        headers, url = self.world.headers("fhir-writer"), f"{self.world.fhir}/Observation"
        bodies = [json.dumps(data.without_identity(one)) for one in self.sample().observations[:500]]
        load = self.wrk.run([("POST", url, headers, body) for body in bodies], CREATING_CLIENTS)
        limit = ("store alone", store["rate"])
        self.report.add("create, durable, 32 clients", load.rate, "/s", target=8000)
        self.report.add("create, durable, 32 clients", load.rate, "/s", limit=limit, **load.detail())
        self.report.add("create, p99, cores saturated", load.p99, "ms")
        paced = self.wrk.run([("POST", url, headers, body) for body in bodies], CREATING_CLIENTS, pause=PAUSE)
        at = f"create, p99 at {round(paced.requests / paced.seconds, -2):.0f}/s"
        self.report.add(at, paced.p99, "ms", target=20, at_most=True, **paced.detail())
        seen = load.requests / load.seconds
        self.report.add("creates seen for each fdatasync", seen, "/s", limit=("fdatasync", syncs))

    def load(self):
        """`hygie load`: batches of NDJSON, or bundles, until all is stored."""
        self.loaded, self.bundles, what = self.tools.data()
        began = time.monotonic()
        summary, cpu = self.world.load(self.loaded)
        elapsed = time.monotonic() - began
        rate = 2 * summary["resources"] / cpu
        seen = round(summary["resources"] / elapsed)
        self.report.add(f"hygie load, {what}", rate, "/s", resources=summary["resources"], per_second_seen=seen)
        time.sleep(SETTLE)

    def transaction(self):
        """Transaction bundles, one after the other, as clients made them."""
        if not self.loaded:
            raise Failed("needs the section load")
        entries, texts = data.entries_of(self.bundles)
        headers = self.world.headers("fhir-writer")
        load = self.wrk.run([("POST", self.world.fhir, headers, text) for text in texts], once=True)
        rate = 2 * entries * load.requests / len(texts) / load.cpu
        self.report.add("entries of transactions", rate, "/s", bundles=len(texts), entries=entries, **load.detail())

    def search(self):
        """First pages of 20 with one client; then a page far behind against the first."""
        for name, paths in searches(self.sample()).items():
            load = self.wrk.run([self.get(f"{path}&_count=20") for path in paths])
            self.report.add(f"{name}, p50", load.p50, "ms", target=2, at_most=True, searches=len(paths))
            self.report.add(f"{name}, p99", load.p99, "ms", target=10, at_most=True, **load.detail())
        self.paging("Observation?_sort=-date&_count=20")
        self.paging("Observation?_count=20")

    def paging(self, path):
        """Page 100 and page 1 000, or the last that there is, against page 1."""
        pages = [url for url, _ in self.world.pages(path, 1000)]
        first = self.wrk.run([("GET", pages[0], self.world.headers("fhir-reader"), None)])
        for number in sorted({min(100, len(pages)), len(pages)} - {1}):
            load = self.wrk.run([("GET", pages[number - 1], self.world.headers("fhir-reader"), None)])
            self.report.add(f"page {number} of {path}, p50", load.p50, "ms", limit=("page 1", first.p50), **load.detail())

    def after(self):
        """Memory after everything, and a start with all of it."""
        self.report.add("resident memory, after load", machine.resident_mib(self.world.pid), "MiB")
        self.world.stop()
        self.report.add("start with all that was loaded", self.world.start(), "s", target=2, at_most=True)
        time.sleep(SETTLE)
        self.report.add("resident memory, idle, loaded", machine.resident_mib(self.world.pid), "MiB")


SECTIONS = ["start", "load", "search", "read", "bearer", "token", "create", "transaction", "after"]
