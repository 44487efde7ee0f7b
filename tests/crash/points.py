"""The named points at which the process is killed: calls on files, before, after or in the middle."""

from dataclasses import dataclass

from disk import (
    CHANGES, CREATE, KILL_AFTER, KILL_BEFORE, KILL_TORN, LINK, RENAME, SYNC, TRUNCATE, UNLINK, WRITE, Rule,
)

# What a run does, in the words of the points: while it starts, while it works, while it stops; and `hygie verify` of a world
# whose process is dead.
START, WORK, STOP, VERIFY = "start", "work", "stop", "verify"


@dataclass(frozen=True)
class Point:
    """Calls of one kind on one kind of file, in the phases in which they come."""

    name: str
    operation: int
    pattern: str
    phases: tuple
    # About how many calls there are in a phase: the one that kills is drawn from so many.
    among: int = 1


POINTS = [
    # The write-ahead log of a database: a commit is its frames and a sync.
    Point("log.create", CREATE, "data/*.db-wal", (START,)),
    Point("log.write", WRITE, "data/*.db-wal", (START, WORK, STOP), 200),
    Point("log.sync", SYNC, "data/*.db-wal", (START, WORK, STOP), 40),
    Point("log.truncate", TRUNCATE, "data/*.db-wal", (STOP,)),
    Point("log.remove", UNLINK, "data/*.db-wal", (STOP, VERIFY)),
    # The database file: the log is copied into it.
    Point("database.write", WRITE, "data/*.db", (STOP, VERIFY), 40),
    Point("database.sync", SYNC, "data/*.db", (STOP, VERIFY)),
    # The log of accesses: segments, frames, reserved space, the cut at the end and after a crash.
    Point("accesses.create", CREATE, "data/*.access/*", (WORK,)),
    Point("accesses.write", WRITE, "data/*.access/*", (WORK,), 40),
    Point("accesses.sync", SYNC, "data/*.access/*", (START, WORK, STOP), 10),
    Point("accesses.truncate", TRUNCATE, "data/*.access/*", (START, STOP), 2),
    Point("accesses.directory.sync", SYNC, "data/*.access", (WORK,)),
    # Large objects: received into a file of their own, synced, then called by their name.
    Point("contents.create", CREATE, "data/*.blobs/*", (WORK,), 3),
    Point("contents.write", WRITE, "data/*.blobs/*", (WORK,), 12),
    Point("contents.sync", SYNC, "data/*.blobs/*", (WORK,), 6),
    Point("contents.rename", RENAME, "data/*.blobs/*", (WORK,), 3),
    # The signed heads of the audit chains.
    Point("heads.write", WRITE, "data/heads/*", (START, WORK), 30),
    Point("heads.sync", SYNC, "data/heads/*", (START, WORK, STOP), 3),
]

# The points of the first start, which makes the world.
FIRST = [
    Point("first.directory", CHANGES, "*", (START,), 200),
    Point("first.keys.write", WRITE, "data/keys.json*", (START,), 8),
    Point("first.keys.sync", SYNC, "data/keys.json*", (START,), 8),
    Point("first.keys.rename", RENAME, "data/keys.json*", (START,), 8),
    Point("first.keys.directory.sync", SYNC, "data", (START,), 10),
    Point("first.heads.create", CREATE, "data/heads/*", (START,), 4),
    Point("first.heads.link", LINK, "data/heads/*", (START,), 4),
    Point("first.heads.sync", SYNC, "data/heads/*", (START,), 8),
    Point("first.database.write", WRITE, "data/*.db", (START,), 4),
    Point("first.log.write", WRITE, "data/*.db-wal", (START,), 400),
    Point("first.log.sync", SYNC, "data/*.db-wal", (START,), 30),
    Point("first.document", CHANGES | SYNC, "demo.json*", (START,), 4),
    Point("first.world", CHANGES | SYNC, "world.json*", (START,), 4),
    Point("first.master-key", CHANGES | SYNC, "master.key*", (START,), 3),
    Point("first.authority", CHANGES | SYNC, "ca.*", (START,), 4),
]

# Replacing keys, beside the process or where none is. What comes first is tried first.
BESIDE, ALONE = "beside", "alone"
ROTATION = [
    # The list of keys: the next key, the current one, the one before forgotten; for each kind of data of each instance.
    Point("rotation.keys.rename", RENAME, "data/keys.json*", (BESIDE, ALONE), 16),
    # Large objects are sealed again, each to a new file that takes the place of the old one.
    Point("rotation.objects.rename", RENAME, "data/*.blobs/*", (BESIDE, ALONE), 6),
    # The segment of a log of accesses ends, and another one begins.
    Point("rotation.accesses.end", TRUNCATE, "data/*.access/*", (BESIDE,), 2),
    # A database is copied to a new file, synced, opened; the one before is removed.
    Point("rotation.copy.write", WRITE, "data/*.db", (BESIDE, ALONE), 100),
    # The master key: the old one kept, the new one beside it, then in its place.
    Point("rotation.master-key", CHANGES | SYNC, "master.key*", (BESIDE, ALONE), 14),
    Point("rotation.copy.create", CREATE, "data/*.db", (BESIDE, ALONE), 3),
    Point("rotation.copy.sync", SYNC, "data/*.db", (BESIDE, ALONE), 6),
    Point("rotation.remove", UNLINK, "data/*.db*", (BESIDE, ALONE), 12),
    Point("rotation.keys.write", WRITE, "data/keys.json*", (BESIDE, ALONE), 16),
    Point("rotation.accesses.next", CREATE, "data/*.access/*", (BESIDE,), 2),
    Point("rotation.objects.write", WRITE, "data/*.blobs/*", (BESIDE, ALONE), 9),
    Point("rotation.log.create", CREATE, "data/*.db-wal", (BESIDE,), 2),
    Point("rotation.keys.sync", SYNC, "data/keys.json*", (BESIDE, ALONE), 16),
    # What the command asks for, and how far the process is.
    Point("rotation.request", CHANGES | SYNC, "data/rotation.json*", (BESIDE, ALONE), 40),
    Point("rotation.objects.sync", SYNC, "data/*.blobs/*", (BESIDE, ALONE), 12),
    Point("rotation.directory.sync", SYNC, "data", (BESIDE, ALONE), 30),
]

MOMENTS = {"before": KILL_BEFORE, "after": KILL_AFTER, "torn": KILL_TORN}
# Whatever the next call is.
ANY = Rule(CHANGES | SYNC, KILL_BEFORE)


def kill_at(point, moment, skip):
    """The rule that kills at one of the calls of a point."""
    return Rule(point.operation, MOMENTS[moment], point.pattern, skip=skip)


def moments_of(point):
    return ["before", "after", "torn"] if point.operation == WRITE else ["before", "after"]
