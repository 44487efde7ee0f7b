"""The disk of the laboratory: `disk.c`, loaded into an unmodified `hygie`, its rules and its traces.

The layouts and numbers are those of `disk.c`.
"""

import errno
import mmap
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")

OPEN, CREATE, WRITE, SYNC, TRUNCATE, RENAME, LINK, UNLINK, MKDIR, RMDIR, SYNC_BEGUN, UNKNOWN = (1 << n for n in range(12))
OPERATIONS = {
    "open": OPEN, "create": CREATE, "write": WRITE, "sync": SYNC, "truncate": TRUNCATE, "rename": RENAME, "link": LINK,
    "unlink": UNLINK, "mkdir": MKDIR, "rmdir": RMDIR,
}
CHANGES = CREATE | WRITE | TRUNCATE | RENAME | LINK | UNLINK | MKDIR | RMDIR
KILL_BEFORE, KILL_AFTER, KILL_TORN, FAIL, DELAY, LIE, FULL = range(1, 8)

RULE = struct.Struct("<IIqqII96sQ")
RULES = 8
RECORD = struct.Struct("<IIQQQQQiHH")
MAGIC = 0x44524352


def build(place):
    """Compiles the library that stands between the program and libc."""
    library = Path(place) / "disk.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    subprocess.run(
        [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"],
        check=True, timeout=120,
    )
    return library


@dataclass(frozen=True)
class Rule:
    """What the disk does at calls of these operations on files whose path fits the pattern."""

    operations: int
    action: int
    pattern: str = "*"
    skip: int = 0
    limit: int = -1
    error: int = errno.EIO
    delay: float = 0.0


@dataclass(frozen=True)
class Record:
    """A call that changed a file, or failed to."""

    operation: int
    number: int
    time: int
    file: int
    offset: int
    length: int
    error: int
    path: str
    other: str
    data: bytes


def records(trace):
    """The calls of a trace; one that was cut short at the end was not made."""
    at, raw = 0, memoryview(trace)
    while at + RECORD.size <= len(raw):
        magic, operation, number, time, file, offset, length, error, path, other = RECORD.unpack_from(raw, at)
        assert magic == MAGIC, f"the trace is no trace at {at}"
        at += RECORD.size
        data = length if operation == WRITE and not error else 0
        if at + path + other + data > len(raw):
            return
        name, second = bytes(raw[at : at + path]).decode(), bytes(raw[at + path : at + path + other]).decode()
        at += path + other
        yield Record(operation, number, time, file, offset, length, error, name, second, bytes(raw[at : at + data]))
        at += data


class Disk:
    """The disk below one directory, for the processes that are given its environment."""

    def __init__(self, library, root, place, base=""):
        # The patterns of rules are for paths below `base`, which is below the root.
        self.library, self.root, self.base = library, Path(root), base
        self.place = Path(place)
        self.place.mkdir(parents=True, exist_ok=True)
        self.page = self.place / "control"
        self.page.write_bytes(bytes(RULE.size * RULES))
        with self.page.open("r+b") as page:
            self.control = mmap.mmap(page.fileno(), RULE.size * RULES)
        self.started = 0
        self.traces = []

    def environment(self):
        """For a new process, which gets a trace of its own."""
        self.started += 1
        self.traces.append(self.place / f"trace-{self.started}")
        return {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "HYGIE_CRASH_ROOT": str(self.root),
            "HYGIE_CRASH_CONTROL": str(self.page),
            "HYGIE_CRASH_TRACE": str(self.traces[-1]),
        }

    def obey(self, *rules):
        """These rules hold from now on, and no others."""
        assert len(rules) <= RULES
        self.control[:] = bytes(len(self.control))
        for at, rule in enumerate(rules):
            # The action comes last: a rule without one is none.
            packed = RULE.pack(
                rule.operations, rule.action, rule.skip, rule.limit, rule.error, int(rule.delay * 1e6),
                f"{self.base}{rule.pattern}".encode(), 0,
            )
            start = at * RULE.size
            self.control[start + 8 : start + RULE.size] = packed[8:]
            self.control[start : start + 8] = packed[:8]

    def hits(self):
        """How often each rule has acted."""
        return [RULE.unpack_from(self.control, at * RULE.size)[-1] for at in range(RULES)]

    def take(self):
        """The calls since the last time, of all processes, in their order; the processes are gone."""
        merged = [record for trace in self.traces if trace.exists() for record in records(trace.read_bytes())]
        for trace in self.traces:
            trace.unlink(missing_ok=True)
        several, self.traces = len(self.traces) > 1, []
        if several:
            merged.sort(key=lambda record: record.time)
        unknown = sorted({record.path for record in merged if record.operation == UNKNOWN})
        assert not unknown, f"changed in a way that the laboratory does not know: {unknown}"
        return merged
