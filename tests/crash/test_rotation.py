"""Kills while keys are replaced: one of the two keys is in force, nothing answered is lost, and what was asked is completed."""

from rotation import kills

# Of the kills that are asked for, one in so many comes in a rotation beside them.
SHARE = 16


def test_kills_while_keys_are_replaced_lose_nothing_that_was_answered(library, template, objects, tmp_path, seed, request):
    number = max(3, request.config.getoption("--kills") // SHARE)
    tell = lambda line: print(line, flush=True)
    points, answers = kills(tmp_path / "rotation", (library, seed, template, objects), number, seed, tell)
    print(*(f"{name}: {count}" for name, count in sorted(points.items())), dict(answers), sep="\n")
    assert sum(points.values()) == number
    assert points["not reached"] < number / 2, points
    assert answers["done"] > 5 * number, answers
