"""What a power loss leaves: a model of the disk, made from the trace of all calls.

A call changes the *cache*; a sync makes durable what its file, or the names of its directory, had in the cache when it
began. After a power loss everything durable is there. Of the rest, anything may be: each sector of 512 bytes of a write came
or did not, lengths changed or did not, and of the changes of names a beginning is there (file systems keep a journal of
them). After a sync that failed, some of what it was to write never comes to the disk, as with Linux: a later sync that
succeeds says nothing about it. A sync that lied changed nothing.
"""

import os
import stat
from dataclasses import dataclass, field

from disk import CREATE, LINK, MKDIR, RENAME, RMDIR, SYNC, SYNC_BEGUN, TRUNCATE, UNLINK, WRITE

SECTOR = 512
# Shared memory of the processes of a database, which is made anew from its log: no file that a disk has to keep.
MEMORY = ".db-shm"


@dataclass
class File:
    """A file: what a process reads, what is durable of it, and the changes that may become so, in their order."""

    cache: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    waiting: list = field(default_factory=list)
    mode: int = 0o600

    def change(self, change):
        change.on(self.cache)
        self.waiting.append(change)

    def settle(self, begun):
        """What came before the sync is durable."""
        for change in self.waiting:
            if change.order < begun:
                change.on(self.durable)
        self.waiting = [change for change in self.waiting if change.order >= begun]

    def doubt(self, begun, random):
        """A sync has failed: some of what it was to write never comes to the disk."""
        lost = [c for c in self.waiting if c.order < begun and c.data is not None and random.random() < 0.5]
        self.waiting = [change for change in self.waiting if change not in lost]


@dataclass(eq=False)
class Change:
    """A change of a file: bytes at an offset, or a new length."""

    order: int
    offset: int
    data: bytes | None

    def on(self, content, chosen=None):
        """Makes it; with `chosen`, only those sectors for which it says so."""
        if self.data is None:
            if chosen is None or chosen():
                resize(content, self.offset)
            return
        at, end = self.offset, self.offset + len(self.data)
        while at < end:
            upto = end if chosen is None else min(end, (at // SECTOR + 1) * SECTOR)
            if chosen is None or chosen():
                if len(content) < upto:
                    resize(content, upto)
                content[at:upto] = self.data[at - self.offset : upto - self.offset]
            at = upto


def resize(content, length):
    if length < len(content):
        del content[length:]
    else:
        content.extend(bytes(length - len(content)))


class Power:
    """The model of a directory, as it was when this was made."""

    def __init__(self, root, random):
        self.root, self.random = root, random
        self.order = 0
        self.syncs = {}
        self.survey()

    def survey(self):
        """Takes all that is there for durable."""
        self.names, self.files = {}, {}
        for directory, folders, files in os.walk(self.root):
            for name in [*folders, *files]:
                path = os.path.join(directory, name)
                about = os.stat(path)
                relative = os.path.relpath(path, self.root)
                if stat.S_ISDIR(about.st_mode):
                    self.names[relative] = None
                elif not name.endswith(MEMORY):
                    with open(path, "rb") as opened:
                        content = opened.read()
                    mode = stat.S_IMODE(about.st_mode)
                    self.files[about.st_ino] = File(bytearray(content), bytearray(content), mode=mode)
                    self.names[relative] = self.files[about.st_ino]
        self.durable_names = dict(self.names)
        self.waiting_names = []

    def replay(self, records):
        """Follows the calls of a trace."""
        for record in records:
            self.order += 1
            if not record.path.endswith(MEMORY):
                self.follow(record)

    def follow(self, record):
        kind = record.operation
        if kind == SYNC_BEGUN:
            self.syncs[record.number] = self.order
        elif kind == SYNC:
            self.synced(record, self.syncs.pop(record.offset))
        elif record.error:
            pass
        elif kind == WRITE:
            self.files[record.file].change(Change(self.order, record.offset, record.data))
        elif kind == TRUNCATE:
            self.files[record.file].change(Change(self.order, record.offset, None))
        elif kind in (CREATE, LINK, RENAME, UNLINK, MKDIR, RMDIR):
            self.rename(record)

    def synced(self, record, begun):
        file = self.files.get(record.file)
        if record.error:
            if file:
                file.doubt(begun, self.random)
        elif record.length:
            pass  # a lie
        elif file is None:
            here = [change for change in self.waiting_names if change[0] < begun and record.path in change[1]]
            self.waiting_names = [change for change in self.waiting_names if change not in here]
            for change in here:
                change[2](self.durable_names)
        else:
            file.settle(begun)

    def rename(self, record):
        """A change of names: in the cache at once, on the disk when its directories are synced."""
        path, other = record.path, record.other
        if record.operation == CREATE:
            self.files[record.file] = File()
            change = lambda names, file=self.files[record.file]: names.__setitem__(path, file)
        elif record.operation == MKDIR:
            change = lambda names: names.__setitem__(path, None)
        elif record.operation == LINK:
            change = lambda names, file=self.names[path]: names.__setitem__(other, file)
        elif record.operation == RENAME:
            file = self.names[path]

            def change(names):
                names.pop(path, None)
                names[other] = file
        else:
            change = lambda names: names.pop(path, None)
        change(self.names)
        places = {os.path.dirname(name) or "." for name in (path, other) if name}
        self.waiting_names.append((self.order, places, change))

    def unsynced(self):
        """How many changes are not durable."""
        return len(self.waiting_names) + sum(len(file.waiting) for file in set_of(self.names.values()))

    def unexplained(self):
        """Files whose content is not what the trace says: empty when nothing gets past the laboratory."""
        found = []
        for name, file in self.names.items():
            if file is None:
                continue
            path = os.path.join(self.root, name)
            if not os.path.exists(path):
                found.append(f"{name} is gone")
            else:
                with open(path, "rb") as opened:
                    if opened.read() != file.cache:
                        found.append(name)
        for directory, _, files in os.walk(self.root):
            for name in files:
                relative = os.path.relpath(os.path.join(directory, name), self.root)
                if relative not in self.names and not name.endswith(MEMORY):
                    found.append(f"{relative} is new")
        return found

    def lose(self, share):
        """The power goes: of what is not durable, about this share stays. The directory is then as after it; gives how
        many changes were not durable."""
        random = self.random
        names = dict(self.durable_names)
        kept = len(self.waiting_names) if share == 1 else 0 if share == 0 else random.randint(0, len(self.waiting_names))
        for _, _, change in self.waiting_names[:kept]:
            change(names)
        # What is in a directory that was lost is lost with it; they come in the order of their depth.
        for name in sorted(names):
            if os.path.dirname(name) and os.path.dirname(name) not in names:
                del names[name]
        lost = 0
        for file in set_of([*names.values(), *self.names.values()]):
            lost += len(file.waiting)
            for change in file.waiting:
                change.on(file.durable, lambda: random.random() < share)
        self.write(names)
        self.survey()
        return lost

    def write(self, names):
        for directory, folders, files in os.walk(self.root, topdown=False):
            for name in files:
                path = os.path.join(directory, name)
                if names.get(os.path.relpath(path, self.root)) is None:
                    os.unlink(path)
            for name in folders:
                if os.path.relpath(os.path.join(directory, name), self.root) not in names:
                    os.rmdir(os.path.join(directory, name))
        for name in sorted(name for name, file in names.items() if file is None):
            os.makedirs(os.path.join(self.root, name), mode=0o700, exist_ok=True)
        for name, file in names.items():
            if file is None:
                continue
            path = os.path.join(self.root, name)
            opened = os.open(path, os.O_RDWR | os.O_CREAT, file.mode)
            with os.fdopen(opened, "r+b") as writing:
                writing.truncate()
                writing.write(file.durable)
                writing.truncate()


def set_of(files):
    return list({id(file): file for file in files if file is not None}.values())

