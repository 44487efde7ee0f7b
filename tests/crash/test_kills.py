"""Kills at random and at named points, with and without a power loss: nothing answered is lost, nothing half-done shows."""

import subprocess
import time

import pytest
from disk import DELAY, FAIL, KILL_AFTER, KILL_BEFORE, MKDIR, SYNC, WRITE, Rule
from laboratory import Laboratory, kills
from load import Client
from points import FIRST, kill_at, moments_of


def test_kills_lose_nothing_that_was_answered(library, template, tmp_path, seed, request):
    number = request.config.getoption("--kills")
    points, answers, seconds = kills(tmp_path, library, template, number, seed, tell=lambda line: print(line, flush=True))
    lines = [f"{name}: {count}" for name, count in sorted(points.items())]
    print(*lines, dict(answers), {name: round(value) for name, value in seconds.items()}, sep="\n")
    assert sum(points.values()) == number
    named = number - points["not reached"] - points["at random"]
    assert named > number / 4 and len(points) > min(number, 60) / 4, points
    assert answers["done"] > 5 * number, answers
    assert answers["unknown"] > number / 4, answers


def first_points(kills):
    """Some of the points of a first start; all of them where there is time for many kills."""
    return FIRST[:: max(1, 4 * 50 // kills)]


def pytest_generate_tests(metafunc):
    if "point" in metafunc.fixturenames:
        points = first_points(metafunc.config.getoption("--kills"))
        metafunc.parametrize("point", points, ids=[point.name for point in points])


def test_a_first_start_that_is_killed_is_made_good_by_the_next(library, tmp_path, seed, point):
    laboratory = Laboratory(tmp_path, library, f"{seed} {point.name}")
    random = laboratory.random
    try:
        skip = int(point.among ** random.random()) - 1
        laboratory.disk.obey(kill_at(point, random.choice(moments_of(point)), skip))
        if not laboratory.start():
            pytest.skip(f"the start has fewer calls: {skip}")
        laboratory.end(random.choice([None, 0, 0.5, 1]))
        laboratory.open()
        with laboratory.load():
            laboratory.world.killed_within(0.3)
        laboratory.check()
        assert laboratory.world.stop() == 0, laboratory.world.tail()
        laboratory.end(None)
    finally:
        laboratory.close()


def test_what_a_first_start_has_answered_survives_a_power_loss(library, tmp_path, seed):
    """The names of new directories are durable before anything in them is promised."""
    laboratory = Laboratory(tmp_path, library, seed)
    try:
        laboratory.open()
        with laboratory.load():
            laboratory.world.killed_within(0.3)
        laboratory.kill()
        laboratory.end(0)
        assert laboratory.world.data.exists()
        assert not laboratory.start()
        laboratory.check()
    finally:
        laboratory.close()


def test_a_stop_in_the_middle_of_a_start_ends_in_order(library, tmp_path, seed):
    """While the first patients are loaded, on a slow disk: the end of the process waits for the threads of the store, as
    memory that they use is given back with it."""
    laboratory = Laboratory(tmp_path, library, seed)
    world, log = laboratory.world, laboratory.world.data / "data/fhir.demo.fhir.db-wal"
    command = [world.binary, "demo", "--data", world.data, "--base-port", str(world.base_port)]
    with world.log.open("ab") as output:
        world.process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env=world.environment()
        )
    while not log.exists() or log.stat().st_size < 500_000:
        assert world.process.poll() is None, world.tail()
        time.sleep(0.005)
    laboratory.disk.obey(Rule(SYNC | WRITE, DELAY, "data/fhir.*", delay=0.02))
    try:
        assert world.stop() == 0, world.tail()
    finally:
        laboratory.close()
    laboratory.end(None)
    assert not log.exists() or log.stat().st_size == 0, "it was closed"
    laboratory.open()
    laboratory.close()


@pytest.mark.parametrize("rules", [
    [Rule(MKDIR, KILL_AFTER, "data/*.blobs/*")],
    [Rule(MKDIR, KILL_AFTER, "data/*.blobs/*", skip=1)],
    [Rule(SYNC, KILL_BEFORE, "data/*.blobs")],
    [Rule(SYNC, FAIL, "data/*.blobs", limit=1), Rule(WRITE, KILL_BEFORE, "data/*.blobs/*")],
], ids=["tenant", "shelf", "sync", "failing-sync"])
def test_a_content_is_durable_in_directories_that_a_killed_process_made(library, template, tmp_path, seed, rules):
    laboratory = Laboratory(tmp_path, library, f"{seed} directories", template)
    client = lambda: Client(laboratory.world, laboratory.history, laboratory.random, [])
    try:
        laboratory.open()
        laboratory.disk.obey(*rules)
        laboratory.history.is_disk_failing = True
        for _ in range(3):
            if laboratory.world.is_running():
                client().content()
        assert laboratory.world.killed_within(3)
        laboratory.end(None)
        laboratory.start()
        assert client().content() == "done"
        laboratory.kill()
        laboratory.end(0)
        laboratory.start()
        laboratory.check()
    finally:
        laboratory.close()
