"""Disks that say they have written what they have not: nothing can keep what was answered, and nothing hides the loss."""

import time

import pytest
from disk import LIE, SYNC, Rule
from history import Wrong, check_resource


@pytest.mark.parametrize(("trail", "pattern"), [("writes", "data/*.db*"), ("accesses", "data/*.access/*")])
def test_the_loss_by_a_disk_that_lies_is_found(laboratory, trail, pattern):
    """Databases or logs of accesses are not on the disk although it said so; the heads of the audit chains are."""
    laboratory.disk.obey(Rule(SYNC, LIE, pattern))
    with laboratory.load():
        # The heads are synced once a second.
        time.sleep(1.5)
    laboratory.kill()
    laboratory.end(0)
    report = laboratory.world.verify()
    assert not report["ok"], "verify has to find what a disk has lost"
    assert any(trail in finding for one in report["instances"] for finding in one["findings"]), report
    laboratory.power.replay(laboratory.disk.take())
    laboratory.start()
    assert not laboratory.world.verify()["ok"], "it is found for ever"
    if trail == "writes":
        # The laboratory itself finds it, too: it would find a program that answers too early.
        recent = [resource for resource in laboratory.history.recent if resource.versions]
        with pytest.raises(Wrong):
            for resource, there in zip(recent, laboratory.checker().look(recent), strict=True):
                check_resource(resource, there)


def test_a_whole_disk_that_lies_shows_by_the_numbers_that_were_kept(laboratory):
    """Data, logs and heads are set back together to what once was true (ADR 2): only a copy kept elsewhere tells."""
    before = entries(laboratory)
    laboratory.disk.obey(Rule(SYNC, LIE))
    with laboratory.load():
        # Until something was written everywhere, however busy the machine is.
        deadline = time.monotonic() + 60
        while any(count <= before[name] for name, count in entries(laboratory).items()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    kept = entries(laboratory)
    laboratory.kill()
    laboratory.end(0)
    there = entries(laboratory)
    assert kept.keys() == there.keys()
    assert all(there[name] < kept[name] for name in kept), (kept, there)


def entries(laboratory):
    """How many writes each audit chain has."""
    return {one["name"]: one["writes"]["entries"] for one in laboratory.world.verify()["instances"]}
