"""Load by wrk, the public load generator, and the CPU time of the service meanwhile."""

import json
import resource
import signal
import statistics
import subprocess
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .world import Failed

SCRIPT = Path(__file__).resolve().parents[1] / "send.lua"
# Longest run of a list that is sent once.
ONCE_LIMIT = 300
CORES = 2


@dataclass
class Load:
    """What happened during a run."""

    requests: int
    seconds: float
    cpu: float
    others: float
    p50: float
    p99: float
    worst: float

    @classmethod
    def together(cls, loads):
        """Of several runs of the same: sums, and the middle of what was seen."""
        middle = lambda name: statistics.median(getattr(load, name) for load in loads)
        return cls(
            requests=sum(load.requests for load in loads),
            seconds=sum(load.seconds for load in loads),
            cpu=sum(load.cpu for load in loads),
            others=middle("others"),
            p50=middle("p50"),
            p99=middle("p99"),
            worst=max(load.worst for load in loads),
        )

    @property
    def rate(self):
        """Requests for two CPU-seconds of the service: what two cores would answer if nobody else used them."""
        return CORES * self.requests / self.cpu

    @property
    def cpu_micros(self):
        """CPU time of the service for one request."""
        return 1e6 * self.cpu / self.requests

    def detail(self):
        """For the report: what was really seen, and how quiet the machine was."""
        return {
            "requests": self.requests,
            "seconds": round(self.seconds, 2),
            "per_second_seen": round(self.requests / self.seconds),
            "cpu_us_each": round(self.cpu_micros, 1),
            "p50_ms": round(self.p50, 3),
            "p99_ms": round(self.p99, 3),
            "max_ms": round(self.worst, 2),
            "cores_used_by_others": round(self.others, 2),
        }


class Wrk:
    """Sends requests to one world."""

    def __init__(self, world, directory, seconds):
        self.world = world
        self.file = directory / "requests.lua"
        self.seconds = seconds

    def run(self, requests, connections=1, *, once=False, refused=False, pause=0):
        """Sends `(method, url, headers, body)` in turn, after a second of warming up unless each is sent once. Every
        connection waits `pause` milliseconds after an answer."""
        address = urllib.parse.urlsplit(requests[0][1])
        self.file.touch(mode=0o600)
        self.file.write_bytes(b"return {\n" + b"".join(map(lua_request, requests)) + b"}\n")
        origin = f"https://{address.netloc}"
        try:
            how = ["once"] if once else ["round", *([str(pause)] if pause else [])]
            if not once:
                self._wrk(origin, connections, 1, how, refused)
            return self._wrk(origin, connections, ONCE_LIMIT if once else self.seconds, how, refused)
        finally:
            self.file.unlink()

    def _wrk(self, origin, connections, seconds, how, refused):
        threads = 1 if how == ["once"] else min(2, connections)
        command = ["wrk", "--threads", str(threads), "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", "60s", "--script", str(SCRIPT), origin, "--", str(self.file), *how]
        began, service, everybody, children = time.monotonic(), self.world.cpu(), machine.cpu_of_all(), of_children()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            lines = list(ended_when_answered(process))
        elapsed, service = time.monotonic() - began, self.world.cpu() - service
        others = machine.cpu_of_all() - everybody - (of_children() - children) - service
        lines = [line for line in lines if line.startswith("{")] if process.returncode == 0 else lines
        if process.returncode != 0 or not lines:
            raise Failed(f"wrk: {''.join(lines)[-500:]}")
        seen = json.loads(lines[-1])
        if seen["broken"] or seen["requests"] == 0 or seen["refused"] != (seen["requests"] if refused else 0):
            raise Failed(f"not the answers that were expected: {lines[-1].strip()}")
        return Load(
            requests=seen["requests"],
            seconds=seen["micros"] / 1e6,
            cpu=service,
            others=max(0.0, others / elapsed),
            p50=seen["p50"] / 1000,
            p99=seen["p99"] / 1000,
            worst=seen["max"] / 1000,
        )


def ended_when_answered(process):
    """The lines that wrk prints; interrupted, it ends and sums up."""
    for line in process.stdout:
        if line == "answered\n":
            process.send_signal(signal.SIGINT)
        else:
            yield line


def of_children():
    """CPU seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lua_request(request):
    method, url, headers, body = request
    address = urllib.parse.urlsplit(url)
    path = f"{address.path}?{address.query}" if address.query else address.path
    members = ",".join(f"[{lua_string(name)}]={lua_string(value)}" for name, value in headers.items())
    made = f"{{{lua_string(method)},{lua_string(path)},{{{members}}}{',' + lua_string(body) if body else ''}}},\n"
    return made.encode("ascii")


def lua_string(text):
    """A Lua string literal of any text or bytes."""
    octets = text if isinstance(text, bytes) else text.encode()
    return '"' + "".join(chr(o) if 32 <= o < 127 and o not in b'"\\' else f"\\{o:03}" for o in octets) + '"'
