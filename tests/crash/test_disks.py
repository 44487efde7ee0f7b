"""Disks that are slow, full, read-only, and that fail."""

import errno
import time

import pytest
from disk import CHANGES, DELAY, FAIL, FULL, OPEN, SYNC, WRITE, Rule
from history import DONE, REFUSED
from laboratory import Laboratory

FAULT = 0.8
AFTERWARDS = 1.2

DISKS = {
    "syncs of the log fail": [Rule(SYNC, FAIL, "data/*.db-wal")],
    "syncs of the accesses fail": [Rule(SYNC, FAIL, "data/*.access/*")],
    "all syncs fail": [Rule(SYNC, FAIL)],
    "writes fail": [Rule(WRITE, FAIL)],
    "the disk is full": [Rule(CHANGES, FULL, skip=200_000, error=errno.ENOSPC)],
    "the disk is full at once": [Rule(CHANGES, FULL, error=errno.ENOSPC)],
    "the disk is read-only": [Rule(CHANGES | SYNC | OPEN, FAIL, error=errno.EROFS)],
}


@pytest.fixture(scope="module")
def lasting(library, template, tmp_path_factory):
    """A world that goes on from test to test; the only one that runs on the ports of the template."""
    laboratory = Laboratory(tmp_path_factory.mktemp("lasting"), library, 1, template)
    laboratory.open()
    yield laboratory
    laboratory.close()


def power_loss(laboratory, share=0):
    """The power goes, and the world is started again."""
    laboratory.kill()
    laboratory.end(share)
    assert not laboratory.start()


@pytest.mark.parametrize("name", DISKS)
def test_what_the_disk_does_not_take_is_refused_until_it_does(lasting, name):
    """503 meanwhile, nothing answered is lost in the power loss that follows, and no restart is needed."""
    with lasting.load() as load:
        time.sleep(0.3)
        began = time.monotonic()
        lasting.disk.obey(*DISKS[name])
        time.sleep(FAULT)
        assert sum(lasting.disk.hits()) > 0
        metadata = load.clients[0].client.get(f"{lasting.world.fhir}/metadata", timeout=10)
        assert metadata.status_code == 200, "what needs no disk is answered"
        lifted = time.monotonic()
        lasting.disk.obey()
        time.sleep(AFTERWARDS)
        ended = time.monotonic()
    outcomes = load.outcomes()
    assert {outcome for _, _, outcome in outcomes} == {DONE, REFUSED}, outcomes
    during = [outcome for at, took, outcome in outcomes if began + 0.1 < at and at + took < lifted]
    assert REFUSED in during, during
    late = [outcome for at, _, outcome in outcomes if ended - AFTERWARDS / 2 < at]
    assert late.count(DONE) > len(late) / 2, late
    lasting.check()
    power_loss(lasting)
    lasting.check()


def test_faults_that_come_and_go(lasting):
    """One call fails, then another: at each an answer is refused, or the program can do without it."""
    for _ in range(4):
        with lasting.load():
            for _ in range(12):
                skip = lasting.random.randrange(40)
                error = lasting.random.choice([errno.EIO, errno.ENOSPC])
                lasting.disk.obey(Rule(CHANGES | SYNC, FAIL, "data/*", skip=skip, limit=1, error=error))
                time.sleep(0.06)
            lasting.disk.obey()
            # What was given back because a disk was said to be full is taken again within a second.
            time.sleep(AFTERWARDS)
        lasting.check()
        power_loss(lasting, lasting.random.random())
        lasting.check()
    assert lasting.history.counts[REFUSED] > 0
    assert lasting.history.counts[DONE] > 100


@pytest.mark.parametrize("pattern", ["data/*.db-wal", "data/*.access/*"])
def test_what_could_not_be_synced_is_not_taken_for_durable_by_the_next_start(lasting, pattern):
    """A process that is killed while syncs fail leaves in memory what the disk has not, and will not get by another sync.
    What is answered after the next start must not rest on it."""
    for _ in range(3):
        lasting.history.is_disk_failing = True
        with lasting.load():
            time.sleep(0.2)
            lasting.disk.obey(Rule(SYNC, FAIL, pattern))
            time.sleep(0.2)
            lasting.kill()
        lasting.end(None)
        assert not lasting.start()
        lasting.check()
        with lasting.load():
            time.sleep(0.2)
        power_loss(lasting)
        lasting.check()


def test_a_start_and_a_stop_on_a_disk_that_fails(lasting):
    """They say so and end with status 1, or can do without; the next start finds everything."""
    ended = 0
    for _ in range(6):
        error = lasting.random.choice([errno.EIO, errno.ENOSPC, errno.EROFS])
        fault = Rule(CHANGES | SYNC, FAIL, "data/*", skip=lasting.random.randrange(25), error=error)
        with lasting.load():
            time.sleep(0.2)
        said = len(lasting.world.logged())
        lasting.disk.obey(fault)
        if lasting.random.random() < 0.5:
            status = lasting.world.stop()
            assert status in (0, 1), lasting.world.tail()
            ended += status
        else:
            lasting.kill()
        lasting.end(0)
        lasting.disk.obey(fault)
        if lasting.start(1):
            ended += 1
        else:
            lasting.disk.obey()
            lasting.kill()
        lasting.end(0)
        assert "panicked" not in lasting.world.logged()[said:], lasting.world.tail()
        assert not lasting.start()
        lasting.check()
    assert ended > 2


def test_a_slow_disk_makes_slow_answers_and_no_wrong_ones(lasting):
    with lasting.load() as load:
        time.sleep(0.5)
        began = time.monotonic()
        lasting.disk.obey(Rule(SYNC, DELAY, delay=0.05))
        time.sleep(2)
    lasting.disk.obey()
    outcomes = load.outcomes()
    writes = [(at, took) for at, took, outcome in outcomes if outcome == DONE]
    before = sorted(took for at, took in writes if at + took < began)
    slow = sorted(took for at, took in writes if at > began)
    assert len(slow) > 20, "it goes on"
    assert slow[len(slow) // 2] > 0.05 > before[len(before) // 2], (before, slow)
    assert slow[-1] < 5, slow
    lasting.check()
