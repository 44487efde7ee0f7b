"""The laboratory: a demo world on a disk that is told what to do, its load, its history, the checks."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

from disk import CHANGES, FAIL, SYNC, Disk, Rule
from history import Checker, History
from load import Load
from points import ANY, POINTS, START, STOP, VERIFY, WORK, kill_at, moments_of
from power import Power
from signing import Signing
from world import REPOSITORY, World, free_base_port

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
# Where a world is kept in which something was found.
KEPT = TARGET / "crash"
# A load lasts so long at most before the process is killed.
LOAD = 0.7
# Cycles after which a world is thrown away for a fresh copy: its segments and entries only grow.
CYCLES = 25


class WorldOnDisk(World):
    """A demo world whose processes have the laboratory's disk below them."""

    keeps_contents = True

    def __init__(self, directory, library):
        super().__init__(directory)
        # Its ports are free again and again between two starts: away from those that other suites look for.
        self.base_port = free_base_port(24_000 + os.getpid() % 400 * 16)
        # The directory of the world is made on the disk, too.
        root = self.directory / "root"
        self.data = root / "world"
        self.disk = Disk(library, root, self.directory / "disk", base="world/")

    def environment(self):
        return self.disk.environment()

    def verify(self):
        """The report of `hygie verify`."""
        ran = self.run("verify", "--data", self.data, "--json", timeout=120)
        assert ran.returncode in (0, 1) and ran.stdout, ran.stdout + ran.stderr
        return json.loads(ran.stdout)

    def begin(self, *arguments):
        """Another command of the same binary, which goes on beside."""
        command = [str(self.binary), *map(str, arguments)]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())

    def killed_within(self, seconds):
        """Waits for the end that a rule brings; tells whether it came."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                assert self.process.returncode == -signal.SIGKILL, f"ended with {self.process.returncode}:\n{self.tail()}"
                return True
            time.sleep(0.005)
        return False

    def tail(self):
        return self.logged()[-3000:]


@dataclass(frozen=True)
class Plan:
    """A kill: in which phase, at which of the calls of a point, or at whatever comes after a while; the fault of the disk
    that comes before it; and what the power loss that comes with it leaves of what was not synced (`None`: the power
    stays)."""

    phase: str
    name: str
    rule: object
    fault: object
    after: float
    share: float | None
    is_verified_dead: bool

    @classmethod
    def draw(cls, random):
        phase = random.choices([WORK, START, STOP, VERIFY], [66, 17, 11, 6])[0]
        point = random.choice([one for one in POINTS if phase in one.phases])
        rule, name, after = None, "at random", random.uniform(0.05, LOAD)
        if random.random() < 0.65:
            moment = random.choice(moments_of(point))
            # Early calls as often as late ones.
            skip = int(point.among ** random.random()) - 1
            rule, name = kill_at(point, moment, skip), f"{point.name}.{moment}"
        fault = None
        if phase == WORK and random.random() < 0.25:
            error = random.choice([errno.EIO, errno.ENOSPC])
            skip, limit = random.randrange(60), random.randint(1, 4)
            fault = Rule(CHANGES | SYNC, FAIL, "data/*", skip=skip, limit=limit, error=error)
        share = random.choice([None, None, 0, 0.5, random.random()])
        return cls(phase, name, rule, fault, after, share, random.random() < 0.2)

    def __str__(self):
        fault = f" after {errno.errorcode[self.fault.error]}" if self.fault else ""
        power = "power stays" if self.share is None else f"power lost, {self.share:.2f} of what was not synced stays"
        return f"{self.phase}: {self.name}{fault}, {power}"


class Laboratory:
    """A world, what it was asked, and the disk below it."""

    def __init__(self, place, library, seed, template=None):
        self.random = Random(f"{seed} load")
        self.place = Path(place)
        self.place.mkdir(parents=True, exist_ok=True)
        self.world = WorldOnDisk(self.place, library)
        self.disk = self.world.disk
        self.history = History()
        self.disk.root.mkdir()
        if template:
            shutil.copytree(template.data, self.world.data)
            self.world.base_port = template.base_port
        self.power = Power(self.disk.root, Random(f"{seed} power"))
        self.kills = Counter()
        self.seconds = Counter()

    def start(self, *statuses):
        """Starts it; gives whether it ended meanwhile: killed, or with one of these statuses."""
        with self.timed("start"):
            try:
                self.world.start()
            except RuntimeError:
                if self.world.process.returncode not in (-signal.SIGKILL, *statuses):
                    raise
                return True
        return False

    @contextlib.contextmanager
    def timed(self, name):
        before = time.monotonic()
        yield
        self.seconds[name] += time.monotonic() - before

    def open(self):
        """Starts it and learns what is there."""
        self.start()
        self.check()

    def checker(self):
        return Checker(self.world, self.history, self.random)

    def check(self):
        """Whether what is there is what was answered."""
        with self.timed("check"):
            self.checker().check()
            Signing(self.world, self.history, self.random).check()

    def load(self):
        return Load([self.world], self.history, self.random.random())

    def cycle(self, plan):
        """From a running world to a running world, through one kill or two."""
        with self.timed("load"):
            with self.load():
                is_killed = self.kill_in_work(plan)
        if plan.phase == STOP:
            is_killed = self.kill_in_stop(plan)
        elif plan.phase == START:
            is_killed = self.kill_in_start(plan)
        elif plan.phase == VERIFY:
            is_killed = self.kill_in_verify(plan)
        self.come_back(plan, is_killed)
        self.check()

    def come_back(self, plan, is_killed):
        """From a killed world to a running one, by way of a loss of power or not, and of a look at the dead one or not."""
        self.kills[plan.name if is_killed else "not reached"] += 1
        self.end(plan.share)
        if plan.is_verified_dead:
            report = self.world.verify()
            assert report["ok"], report
            self.power.replay(self.disk.take())
        self.start()

    def kill_in_work(self, plan):
        """Under load; before a stop the process stays."""
        rule = plan.rule if plan.phase == WORK else None
        self.history.is_disk_failing = bool(plan.fault)
        self.disk.obey(*(one for one in (plan.fault, rule) if one))
        is_killed = self.world.killed_within(LOAD if rule else plan.after)
        if plan.phase != STOP and not is_killed:
            self.kill()
        return is_killed or not rule

    def kill(self):
        """At the next call that changes a file; when none comes, as it is."""
        self.disk.obey(ANY)
        if not self.world.killed_within(3):
            self.world.kill()

    def kill_in_stop(self, plan):
        self.disk.obey(plan.rule or ANY)
        if self.world.is_running():
            os.killpg(self.world.process.pid, signal.SIGTERM)
        status = self.world.process.wait(timeout=60)
        assert status in (0, -signal.SIGKILL), f"stopped with {status}:\n{self.world.tail()}"
        return status != 0

    def kill_in_start(self, plan):
        """The start after a crash is killed too."""
        self.end(plan.share)
        self.disk.obey(plan.rule or kill_at(POINTS[1], "before", int(plan.after * 20)))
        if self.start():
            return True
        self.kill()
        return False

    def kill_in_verify(self, plan):
        """Whoever opens a database after a crash copies its log."""
        self.end(plan.share)
        self.disk.obey(plan.rule or ANY)
        ran = self.world.run("verify", "--data", self.world.data)
        assert ran.returncode in (0, -signal.SIGKILL), ran.stdout + ran.stderr
        return ran.returncode != 0

    def end(self, share):
        """The process is gone; the power with it, unless `share` is None."""
        self.disk.obey()
        self.history.is_disk_failing = False
        self.power.replay(self.disk.take())
        unexplained = self.power.unexplained()
        assert not unexplained, f"changed past the laboratory: {unexplained}"
        if share is not None:
            self.power.lose(share)

    def close(self):
        if self.world.is_running():
            self.disk.obey()
            self.world.kill()


class Failed(AssertionError):
    """A finding, with what is needed to see it again."""


def kills(place, library, template, number, seed, tell):
    """So many kills, on fresh copies of a world from time to time. Gives the points and the answers, counted."""
    points, answers, seconds = Counter(), Counter(), Counter()
    # The plans are the same for the same seed; what else is drawn depends on the answers that came in time.
    plans, done = Random(seed), 0
    while done < number:
        laboratory = Laboratory(Path(place) / f"from-{done}", library, f"{seed} {done}", template)
        try:
            laboratory.open()
            for _ in range(min(CYCLES, number - done)):
                plan = Plan.draw(plans)
                try:
                    laboratory.cycle(plan)
                except Exception as fault:
                    kept = KEPT / f"{seed}-{done}"
                    shutil.rmtree(kept, ignore_errors=True)
                    shutil.copytree(laboratory.place, kept)
                    raise Failed(f"kill {done} of seed {seed} ({plan}), kept in {kept}: {fault}") from fault
                done += 1
                tell(f"{done}: {plan}")
        finally:
            laboratory.close()
        points += laboratory.kills
        answers += laboratory.history.counts
        seconds += laboratory.seconds
        shutil.rmtree(laboratory.place)
    return points, answers, seconds
