"""The laboratory itself: the model of a power loss, and the library that the process runs on, tried with a small program."""

import errno
import subprocess
import sys
import time
from random import Random

import pytest
from disk import CHANGES, DELAY, FAIL, FULL, KILL_AFTER, KILL_BEFORE, KILL_TORN, LIE, SYNC, WRITE, Disk, Rule
from power import Power

WRITES = """
import os, sys
os.chdir(sys.argv[1])
a = os.open("a", os.O_RDWR | os.O_CREAT, 0o600)
os.pwrite(a, b"1" * 1024, 0)
os.fsync(a)
here = os.open(".", os.O_RDONLY)
os.fsync(here)
os.pwrite(a, b"2" * 1024, 512)
os.fdatasync(a)
os.pwrite(a, b"3" * 512, 0)
os.rename("a", "b")
"""


@pytest.fixture
def disk(library, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    return Disk(library, root, tmp_path / "disk")


def run(disk, program=WRITES):
    power = Power(disk.root, Random(1))
    command = [sys.executable, "-S", "-E", "-c", program, disk.root]
    ran = subprocess.run(command, env=disk.environment(), capture_output=True, check=False)
    power.replay(disk.take())
    assert not power.unexplained(), ran.stderr
    return ran, power


def content(disk):
    return {path.name: path.read_bytes() for path in disk.root.iterdir()}


SYNCED = b"1" * 512 + b"2" * 1024


def test_what_was_synced_stays_and_nothing_else_need(disk):
    _, power = run(disk)
    assert content(disk) == {"b": b"3" * 512 + b"2" * 1024}
    power.lose(0)
    assert content(disk) == {"a": SYNCED}


def test_what_was_not_synced_may_stay_in_part(disk):
    _, power = run(disk)
    power.lose(1)
    assert content(disk) == {"b": b"3" * 512 + b"2" * 1024}


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (Rule(CHANGES, KILL_BEFORE), {}),
        (Rule(CHANGES, KILL_AFTER), {"a": b""}),
        (Rule(WRITE, KILL_TORN), {"a": b"1" * 1024}),
        (Rule(SYNC, KILL_BEFORE, "a", skip=1), {"a": SYNCED}),
        (Rule(WRITE, KILL_AFTER, "a", skip=2), {"a": b"3" * 512 + b"2" * 1024}),
    ],
)
def test_the_process_ends_at_the_call_that_a_rule_names(disk, rule, left):
    disk.obey(rule)
    ran, _ = run(disk)
    assert ran.returncode == -9
    assert content(disk) == left


def test_a_file_is_lost_with_its_directory(disk):
    making = "import os, sys\nos.chdir(sys.argv[1])\nos.mkdir('d')\na = os.open('d/a', os.O_RDWR | os.O_CREAT)\nos.fsync(a)"
    _, power = run(disk, making + "\nos.fsync(os.open('d', os.O_RDONLY))")
    power.lose(0)
    assert list(disk.root.iterdir()) == []


def test_a_write_is_torn_between_pages(disk):
    disk.obey(Rule(WRITE, KILL_TORN))
    run(disk, WRITES.replace('b"1" * 1024, 0', 'b"1" * 9000, 1000'))
    assert content(disk) == {"a": bytes(1000) + b"1" * 3096}


def test_a_name_is_lost_with_its_directory(disk):
    disk.obey(Rule(SYNC, KILL_BEFORE, "."))
    _, power = run(disk)
    assert content(disk) == {"a": b"1" * 1024}
    power.lose(0)
    assert content(disk) == {}


def test_an_open_file_that_was_removed_is_known_by_its_name(disk):
    disk.obey(Rule(WRITE, KILL_BEFORE, "a", skip=1))
    ran, _ = run(disk, WRITES.replace('os.pwrite(a, b"2"', 'os.unlink("a")\nos.pwrite(a, b"2"'))
    assert ran.returncode == -9
    assert content(disk) == {}


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS, errno.ENOSPC])
def test_a_call_fails_as_told(disk, error):
    disk.obey(Rule(WRITE, FAIL, skip=1, error=error))
    ran, _ = run(disk)
    assert f"Errno {error}]".encode() in ran.stderr
    assert content(disk) == {"a": b"1" * 1024}


def test_a_full_disk_takes_what_does_not_grow(disk):
    disk.obey(Rule(WRITE, FULL, skip=1024, error=errno.ENOSPC))
    ran, _ = run(disk, WRITES.replace('b"2" * 1024, 512', 'b"2" * 512, 0') + 'os.pwrite(a, b"4", 1024)')
    assert b"No space left" in ran.stderr
    assert content(disk) == {"b": b"3" * 512 + b"1" * 512}


def test_a_lie_makes_nothing_durable(disk):
    disk.obey(Rule(SYNC, LIE, "a", skip=1))
    ran, power = run(disk)
    assert ran.returncode == 0
    power.lose(0)
    assert content(disk) == {"a": b"1" * 1024}


def test_what_a_failed_sync_was_to_write_is_not_written_by_the_next_one(disk):
    disk.obey(Rule(SYNC, FAIL, "a", skip=1, limit=1))
    failing = WRITES.replace("os.fdatasync(a)", "try: os.fdatasync(a)\nexcept OSError: pass\nos.fdatasync(a)")
    found = set()
    for seed in range(8):
        ran, power = run(disk, failing)
        assert ran.returncode == 0, ran.stderr
        power.random = Random(seed)
        power.lose(0)
        found.add(content(disk).get("a"))
        for path in disk.root.iterdir():
            path.unlink()
        disk.obey(Rule(SYNC, FAIL, "a", skip=1, limit=1))
    assert found <= {b"1" * 1024, SYNCED} and b"1" * 1024 in found, found


def test_a_slow_disk_takes_its_time(disk):
    disk.obey(Rule(SYNC, DELAY, delay=0.2))
    before = time.monotonic()
    run(disk)
    assert time.monotonic() - before > 0.6
    assert disk.hits()[0] == 3
