"""Kills while keys are replaced: of the command, of the process that it asks, and of the command where no process is."""

import itertools
import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from random import Random

from history import STILL, expect
from laboratory import KEPT, Failed, Laboratory
from points import ALONE, ANY, BESIDE, ROTATION, kill_at, moments_of

# Before a rotation begins the load is such that every log is written.
BEFORE = 0.3
# A rotation beside a load ends within.
LONGEST = 20
REPLACED = ("database", "access-log", "blobs", "columns")


@dataclass(frozen=True)
class Turn:
    """A kill in the middle of a rotation, and another one when it is taken up again, at calls of the points of a rotation or
    at any moment; and what the power losses that come with them leave of what was not synced (`None`: the power stays)."""

    phase: str
    name: str
    rule: object
    after: float
    again: object
    share: float | None
    is_verified_dead: bool

    def __str__(self):
        twice = ", killed again when it is taken up" if self.again else ""
        power = "power stays" if self.share is None else f"power lost, {self.share:.2f} of what was not synced stays"
        return f"{self.phase}: {self.name}{twice}, {power}"


def turns(random):
    """Kills without end: at each point in its turn; one in four where no process is, one in five at any moment."""
    decks = {phase: itertools.cycle([one for one in ROTATION if phase in one.phases]) for phase in (BESIDE, ALONE)}
    for at in itertools.count():
        phase = ALONE if at % 4 == 3 else BESIDE
        name, rule = "at random", None
        if at % 5 != 4:
            name, rule = drawn(random, next(decks[phase]))
        again = drawn(random, random.choice(ROTATION))[1] if random.random() < 0.4 else None
        share = random.choice([None, None, 0, 0.5, random.random()])
        longest = 2.5 if phase == BESIDE else 0.6
        yield Turn(phase, name, rule, random.uniform(0, longest), again, share, random.random() < 0.3)


def drawn(random, point):
    """A moment at one of the calls of a point; early calls as often as late ones."""
    moment = random.choice(moments_of(point))
    return f"{point.name}.{moment}", kill_at(point, moment, int(point.among ** random.random()) - 1)


class Rotating(Laboratory):
    """A world with large objects, whose keys are replaced."""

    def __init__(self, place, library, seed, template, objects):
        super().__init__(place, library, seed, template)
        making = [objects, self.world.data / "data", self.world.data / "master.key", STILL]
        made = subprocess.run(making, capture_output=True, text=True, timeout=60, check=False)
        assert made.returncode == 0, made.stderr
        self.history.objects[STILL] = int(made.stdout)
        self.power.survey()

    def rotate(self):
        return self.world.begin("keys", "rotate", "--data", self.world.data)

    def turn(self, turn):
        """From a running world to a running one, through a rotation that is killed and then taken up."""
        is_killed = self.kill_beside(turn) if turn.phase == BESIDE else self.kill_alone(turn)
        self.come_back(turn, is_killed)
        if turn.again and self.is_open():
            self.kill_again(turn)
        # Beside it, or afterwards.
        is_beside = self.random.random() < 0.5
        if is_beside:
            self.check()
        self.wait_until_done()
        if not is_beside:
            self.check()
        self.check_keys()

    def kill_beside(self, turn):
        """The command asks the process, under load: one is killed, and the other, too."""
        with self.load():
            time.sleep(BEFORE)
            if turn.rule:
                self.disk.obey(turn.rule)
            command = self.rotate()
            is_killed = self.wait_for_kill(command, turn)
            if self.world.is_running():
                self.kill()
            self.kill_command(command, 0.1)
        return is_killed

    def kill_alone(self, turn):
        """The process was killed before: what is in its log is not in its databases yet."""
        with self.load():
            time.sleep(BEFORE)
            self.kill()
        self.end(turn.share)
        if turn.rule:
            self.disk.obey(turn.rule)
        command = self.rotate()
        is_killed = self.wait_for_kill(command, turn)
        self.kill_command(command, 3)
        return is_killed

    def kill_command(self, command, seconds):
        """At its next call that changes a file; when none comes for so long, as it is."""
        self.disk.obey(ANY)
        try:
            command.wait(seconds)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()

    def wait_for_kill(self, command, turn):
        """Until one of them is killed, the rotation is complete, or it is time; tells whether it was cut short."""
        end = time.monotonic() + (LONGEST if turn.rule else turn.after)
        while time.monotonic() < end:
            if turn.phase == BESIDE and self.world.killed_within(0.01):
                return True
            status = command.poll()
            if status == -signal.SIGKILL:
                # The process goes on with what it was asked for.
                time.sleep(turn.after / 2 if turn.phase == BESIDE else 0)
                return True
            if status is not None:
                assert status == 0, f"ended with {status}:\n{self.world.tail()}"
                return False
            time.sleep(0.005)
        return turn.rule is None

    def kill_again(self, turn):
        """The process that takes it up is killed, too."""
        with self.load():
            self.disk.obey(turn.again)
            if not self.world.killed_within(1 + turn.after):
                self.kill()
        self.end(turn.share)
        self.start()

    def asked(self):
        """The last rotation, as the world has it written down."""
        try:
            return json.loads((self.world.data / "data/rotation.json").read_text())
        except FileNotFoundError:
            return None

    def is_open(self):
        asked = self.asked()
        return asked is not None and asked["state"] in ("requested", "running")

    def wait_until_done(self):
        """Nobody asks again: what was asked is completed by itself."""
        end = time.monotonic() + 60
        while self.is_open():
            assert time.monotonic() < end and self.world.is_running(), f"{self.asked()}\n{self.world.tail()}"
            time.sleep(0.05)
        asked = self.asked()
        expect(asked is None or asked["state"] == "done", asked)

    def keys(self):
        """The master key, and the state and id of each key by what it is for."""
        ran = self.world.run("keys", "list", "--data", self.world.data, "--json")
        assert ran.returncode == 0, ran.stderr
        listed = json.loads(ran.stdout)
        return listed["master"], [(key["purpose"], key["state"], key["id"]) for key in listed["keys"]]

    def check_keys(self):
        """Nothing is half-replaced: one key for each thing, but for what is never written again; one file a database."""
        _, keys = self.keys()
        for (purpose, state), count in Counter(key[:2] for key in keys).items():
            is_old = state == "retired" and purpose.startswith("access-log:")
            expect(is_old or (state == "current" and count == 1), purpose, "has", count, "keys that are", state)
        files = [path.name for path in (self.world.data / "data").glob("*.db")]
        instances = Counter(re.sub(r"(\.[0-9a-f]{16})?\.db$", "", name) for name in files)
        databases = {key[0].split(":")[1] for key in keys if key[0].startswith("database:")}
        expect(instances == Counter(databases), "there are", files, "for", databases)

    def rotate_whole(self):
        """A rotation under load that nobody stops."""
        master, before = self.keys()
        with self.load():
            command = self.rotate()
            status = command.wait(timeout=60)
        assert status == 0, self.world.tail()
        new_master, after = self.keys()
        expect(new_master != master, "the master key was not replaced")
        before, after = ({key[0]: key[2] for key in keys if key[1] == "current"} for keys in (before, after))
        expect(before.keys() == after.keys(), before, after)
        for purpose, key in before.items():
            expect((after[purpose] != key) == purpose.startswith(REPLACED), purpose, key, after[purpose])
        self.check()
        self.check_keys()


def kills(place, world, number, seed, tell):
    """So many kills in rotations of one world, and then a whole one. Gives the points and the answers, counted."""
    laboratory = Rotating(place, *world)
    drawing = turns(Random(f"{seed} rotation"))
    try:
        laboratory.open()
        for done in range(number):
            turn = next(drawing)
            try:
                laboratory.turn(turn)
            except Exception as fault:
                kept = KEPT / f"{seed}-rotation-{done}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(laboratory.place, kept)
                raise Failed(f"rotation {done} of seed {seed} ({turn}), kept in {kept}: {fault}") from fault
            tell(f"{done + 1} of rotations: {turn}")
        laboratory.rotate_whole()
        assert laboratory.world.stop() == 0, laboratory.world.tail()
        laboratory.end(None)
        assert "panicked" not in laboratory.world.logged()
    finally:
        laboratory.close()
    return laboratory.kills, laboratory.history.counts
