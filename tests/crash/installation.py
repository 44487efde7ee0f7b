"""An installation on PostgreSQL in the laboratory: two processes on one database. It kills them, and the server."""

import json
import os
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

from cluster import ADMINISTRATOR, PASSWORD, Cluster, wait_for
from history import Checker, History
from load import Load
from signing import Signing

# A load lasts so long at most before something is killed, and goes on so long without it.
BEFORE, AFTER = 0.7, 0.5


class View:
    """One of the processes, with what the load and the checks ask of a world."""

    # Large objects of several processes need a bucket.
    keeps_contents = False

    def __init__(self, installation, process):
        self.installation, self.process = installation, process
        self.ca = str(installation.authority.file)
        self.fhir = process.fhir
        self.authority = process.login
        self.user_scope = f"{installation.fhir}/user_impersonation"

    def token(self, _app):
        return self.installation.token()

    def app(self, _name):
        return {"client_id": self.installation.viewer}

    def user(self, _name):
        return {"upn": ADMINISTRATOR, "password": PASSWORD}

    def is_running(self):
        return self.process.running is not None and self.process.running.poll() is None

    def verify(self):
        """The report of `hygie verify`, with the heads of both processes."""
        others = [one.data / "heads" for one in self.installation.processes if one is not self.process]
        ran = self.process.run("verify", "--json", *(word for heads in others for word in ("--heads", heads)))
        assert ran.returncode in (0, 1) and ran.stdout, ran.stdout + ran.stderr
        return json.loads(ran.stdout)


class Installation(Cluster):
    """Two processes and their database; clients speak to each process, without a proxy between them."""

    def __init__(self, directory):
        super().__init__(directory)
        self.views = [View(self, process) for process in self.processes]
        self.known_token = None

    def start(self):
        for process in self.processes:
            process.start()
        self.wait()
        return self

    def wait(self):
        """Until all that runs is ready, by itself when only the server was away."""
        for process in self.processes:
            process.wait()

    def token(self):
        if self.known_token is None:
            answer = self.loader_token(at=self.processes[0].login)
            assert answer.status_code == 200, answer.text
            self.known_token = answer.json()["access_token"]
        return self.known_token

    def close(self):
        if not self.is_server_running():
            self.start_server()
        super().close()

    # The server.

    def postmaster(self):
        """Its process, if there is one."""
        try:
            number = int((self.postgres.data / "postmaster.pid").read_text().split()[0])
            return number if Path(f"/proc/{number}/cmdline").read_bytes() else None
        except (OSError, IndexError, ValueError):
            return None

    def is_server_running(self):
        return self.postmaster() is not None

    def sessions(self):
        """The processes of the server that work for hygie."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
                words = (status.parent / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue
            if parent == self.postmaster() and words.startswith(b"postgres: hygie "):
                found.append(int(status.parent.name))
        return found

    def start_server(self):
        """Starts it again: it recovers. What is left of it before may need a moment to end."""
        def starts():
            try:
                self.postgres.start()
            except AssertionError:
                return False
            return True

        wait_for(lambda: (self.postgres.directory / "log").read_text()[-2000:], starts, seconds=60)


# What is killed.


def one_process(installation, random):
    """A process; the other goes on alone."""
    random.choice(installation.processes).kill()


def both_processes(installation, _random):
    for process in installation.processes:
        process.kill()


def starting_process(installation, random):
    """A process, and again while it starts."""
    process = random.choice(installation.processes)
    process.kill()
    process.start()
    time.sleep(random.uniform(0.02, 0.6))
    process.kill()


def server_at_once(installation, _random):
    """The server without a word, as the system would for want of memory."""
    os.kill(installation.postmaster(), signal.SIGKILL)


def server_immediately(installation, _random):
    """The server as its owner would in need: no checkpoint, no goodbye."""
    os.kill(installation.postmaster(), signal.SIGQUIT)


def one_session(installation, random):
    """A process of the server: it ends all others and recovers by itself."""
    os.kill(random.choice(installation.sessions()), signal.SIGKILL)


KILLS = [server_at_once, one_process, one_session, both_processes, server_immediately, starting_process]
# Those that the database is away after.
OF_SERVER = {server_at_once, server_immediately, one_session}


class Laboratory:
    """An installation, what it was asked, and what is killed of it."""

    def __init__(self, place, seed):
        self.random = Random(f"{seed} postgresql")
        self.installation = Installation(place)
        self.history = History()
        self.kills = Counter()

    def open(self):
        self.installation.start()
        self.check()

    def check(self):
        """Whether what is there is what was answered, whichever process is asked."""
        view = self.random.choice(self.installation.views)
        Checker(view, self.history, self.random).check()
        Signing(view, self.history, self.random).check()

    def cycle(self, kill):
        """From a running installation to a running one, through a kill under load."""
        with Load(self.installation.views, self.history, self.random.random()):
            time.sleep(self.random.uniform(0.1, BEFORE))
            # What is answered with 503 while the server is away is not known to be done or not: its commit may have come.
            self.history.is_disk_failing = kill in OF_SERVER
            kill(self.installation, self.random)
            time.sleep(self.random.uniform(0, AFTER))
            if kill in (server_at_once, server_immediately):
                self.installation.start_server()
                time.sleep(self.random.uniform(0, AFTER))
        for view in self.installation.views:
            if not view.is_running():
                view.process.start()
        self.installation.wait()
        self.history.is_disk_failing = False
        self.kills[kill.__name__] += 1
        self.check()

    def close(self):
        self.installation.close()


def kills(place, number, seed, tell, keep):
    """So many kills, each kind in its turn. Gives the kinds and the answers, counted."""
    laboratory = Laboratory(place, seed)
    try:
        laboratory.open()
        for at in range(number):
            kill = KILLS[at % len(KILLS)]
            try:
                laboratory.cycle(kill)
            except Exception as fault:
                shutil.rmtree(keep, ignore_errors=True)
                shutil.copytree(place, keep)
                raise AssertionError(f"kill {at} of seed {seed} ({kill.__name__}), logs in {keep}: {fault}") from fault
            tell(f"{at + 1} on PostgreSQL: {kill.__name__}")
        for process in laboratory.installation.processes:
            assert process.stop() == 0, process.logged()[-3000:]
            assert "panicked" not in process.logged()
    finally:
        laboratory.close()
    return laboratory.kills, laboratory.history.counts
