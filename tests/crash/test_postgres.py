"""Kills of two processes on one PostgreSQL database, and of its server: nothing answered is lost, nothing half-done shows."""

from installation import KILLS, kills
from laboratory import KEPT

# Of the kills that are asked for, one in so many comes on PostgreSQL beside them.
SHARE = 8


def test_kills_of_processes_and_of_the_server_lose_nothing_that_was_answered(tmp_path, seed, request):
    number = max(len(KILLS), request.config.getoption("--kills") // SHARE)
    tell = lambda line: print(line, flush=True)
    kinds, answers = kills(tmp_path, number, seed, tell, KEPT / f"postgresql-{seed}")
    print(*(f"{name}: {count}" for name, count in sorted(kinds.items())), dict(answers), sep="\n")
    assert sum(kinds.values()) == number and len(kinds) == len(KILLS)
    assert answers["done"] > 5 * number, answers
    assert answers["unknown"] > 0, answers
