"""Two processes on one PostgreSQL database behind nginx without sticky sessions: what one knows the other knows, and
`kill -9` of one loses nothing that was answered."""

import json
import re
import shutil
import threading
import time
from collections import Counter

import jwt
import pytest
import requests
from cluster import Cluster, wait_for
from people import identifier, patient

WRITERS, PEOPLE = 4, 3
# What one process revokes, the other refuses after at most so many seconds.
KNOWN_WITHIN = 1.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster.start()
    finally:
        cluster.close()


def test_two_starts_at_once_make_one_installation(cluster):
    one, two = cluster.processes
    keys = [requests.get(f"{at}/discovery/v2.0/keys", verify=str(cluster.authority.file), timeout=30).json()
            for at in (one.login, two.login)]
    assert keys[0] == keys[1] and len(keys[0]["keys"]) == 2
    names = {(process.data / "process").read_text() for process in cluster.processes}
    assert len(names) == 2
    for table, rows in (("idp_tenant", 1), ("idp_user", 1), ("idp_application", 3), ("role_assignment", 2)):
        found = cluster.postgres.psql(f"SELECT count(*) FROM hygie.{table}")
        assert int(found) == rows, (table, found)
    # What the configuration permits on the directory API.
    granted = cluster.loader_token(scope="https://graph.microsoft.com/.default").json()["access_token"]
    assert jwt.decode(granted, options={"verify_signature": False})["roles"] == ["User.Read.All"]
    # Nobody reads a key with the database alone, and the password is in no log.
    for process in cluster.processes:
        assert cluster.postgres.password not in process.logged()
    assert "panicked" not in one.logged() + two.logged()


def test_any_process_answers_any_step_of_a_sign_in(cluster):
    one, two = cluster.processes
    before = cluster.served()
    tokens = cluster.redeem(cluster.sign_in())
    assert tokens.status_code == 200, tokens.text
    after = cluster.served()
    for process in cluster.processes:
        address = f"127.0.0.1:{process.login_port}"
        assert after.get(address, 0) > before.get(address, 0), after
    tokens = tokens.json()
    for at in (one.fhir, two.fhir):
        assert cluster.call("GET", "Patient?_count=1", tokens["access_token"], at=at).status_code == 200
    # Rotated by one, rotated again by the other; what was rotated just now is still taken, by either.
    first = cluster.refresh(tokens["refresh_token"], at=one.login).json()
    second = cluster.refresh(first["refresh_token"], at=two.login).json()
    assert len({tokens["refresh_token"], first["refresh_token"], second["refresh_token"]}) == 3
    assert cluster.refresh(tokens["refresh_token"], at=two.login).status_code == 200
    # Tokens that one signs the other accepts, applications' too.
    for signer, asked in ((one, two), (two, one)):
        token = cluster.loader_token(at=signer.login)
        assert token.status_code == 200, token.text
        assert cluster.call("GET", "Patient?_count=1", token.json()["access_token"], at=asked.fhir).status_code == 200


def test_a_code_is_redeemed_once_and_its_theft_is_known_to_both(cluster):
    one, two = cluster.processes
    code = cluster.sign_in()
    answers, start = [], threading.Barrier(6)

    def redeem(at):
        start.wait()
        answers.append(cluster.redeem(code, at=at))

    threads = [threading.Thread(target=redeem, args=[process.login]) for process in (one, two) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 5}, [answer.text for answer in answers]

    # One after the other: used at one process, used again at the other, which takes away what the first use gave.
    took = []
    while len(took) < 3 and min(took, default=KNOWN_WITHIN) >= KNOWN_WITHIN:
        code = cluster.sign_in()
        tokens = cluster.redeem(code, at=one.login).json()
        read = lambda at: cluster.call("GET", "Patient?_count=1", tokens["access_token"], at=at).status_code
        assert [read(at) for at in (one.fhir, two.fhir)] == [200, 200]
        assert cluster.redeem(code, at=two.login).status_code == 400
        # A busy machine may be late, but not each time.
        took.append(wait_for("the other process goes on accepting the token", lambda: read(one.fhir) == 401, seconds=10))
        assert read(two.fhir) == 401
        assert cluster.refresh(tokens["refresh_token"], at=one.login).status_code == 400
    assert took[-1] < KNOWN_WITHIN, took


def test_whoever_signs_out_at_one_is_signed_out_at_both(cluster):
    with cluster.browser() as browser:
        cluster.sign_in(browser)
        for _ in range(2):
            known = cluster.authorize(browser, prompt="none")
            assert "code=" in known.headers["Location"], known.headers["Location"]
        left = browser.get(f"{cluster.login}/oauth2/v2.0/logout", timeout=30)
        assert left.status_code == 200
        for _ in range(2):
            unknown = cluster.authorize(browser, prompt="none")
            assert "code=" not in unknown.headers["Location"], unknown.headers["Location"]


def test_a_killed_process_loses_nothing_that_was_answered(cluster, tmp_path):
    one, two = cluster.processes
    over, lock = threading.Event(), threading.Lock()
    created, redeemed, kept, failures = [], Counter(), {}, []

    def forgiving(work):
        """Goes on after what a killed process did not answer; anything else is a failure."""
        while not over.is_set():
            try:
                work()
            except requests.RequestException:
                time.sleep(0.05)
            except Exception as error:
                with lock:
                    failures.append(repr(error))
                return

    def write():
        body = patient()
        answer = cluster.call("POST", "Patient", token, resource=body)
        if answer.status_code == 201:
            with lock:
                created.append((answer.json()["id"], body))
        else:
            assert answer.status_code in (502, 503, 504), answer.text

    def live(person):
        code = cluster.sign_in()
        answers = [answer for answer in (cluster.redeem(code), cluster.redeem(code)) if answer.status_code == 200]
        with lock:
            redeemed[code] += len(answers)
        code = cluster.sign_in()
        answer = cluster.redeem(code)
        if answer.status_code != 200:
            return
        current = answer.json()["refresh_token"]
        for _ in range(3):
            answer = cluster.refresh(current)
            if answer.status_code == 200:
                current = answer.json()["refresh_token"]
            else:
                assert answer.status_code in (502, 503, 504), answer.text
        with lock:
            kept[person] = current

    token = cluster.loader_token().json()["access_token"]
    (tmp_path / "token").write_text(token)
    made = two.run_plain("generate", "fhir", "--patients", "2", "--seed", "7", "--out", tmp_path / "data")
    assert made.returncode == 0, made.stderr
    load = lambda: two.run_plain("load", cluster.fhir, tmp_path / "data", "--token-file", tmp_path / "token",
                                 "--ca", cluster.authority.file)
    loads = []
    loading = threading.Thread(target=lambda: loads.append(load()))
    threads = [threading.Thread(target=forgiving, args=[write]) for _ in range(WRITERS)]
    threads += [threading.Thread(target=forgiving, args=[lambda n=n: live(n)]) for n in range(PEOPLE)]
    for thread in [*threads, loading]:
        thread.start()
    enough = lambda count: lambda: (len(created) >= count and len(redeemed) >= count // 10) or failures
    for _ in range(2):
        before = len(created)
        wait_for(lambda: f"{len(created)} created, {len(redeemed)} sign-ins", enough(before + 40))
        one.kill()
        during = len(created)
        wait_for("the other process goes on alone", lambda: len(created) >= during + 20 or failures)
        one.start()
        one.wait()
    before = len(created)
    wait_for("both go on", enough(before + 20))
    over.set()
    for thread in [*threads, loading]:
        thread.join(timeout=300)
    assert not failures, failures

    # No answered write is lost, none is there twice, whichever process is asked.
    assert len({made for made, _ in created}) == len(created) >= 140
    for at, (made, body) in zip([one.fhir, two.fhir] * len(created), created):
        read = cluster.call("GET", f"Patient/{made}", token, at=at)
        assert read.status_code == 200 and read.json()["name"] == body["name"], (made, read.text)
    for made, body in created[::7]:
        found = cluster.call("GET", f"Patient?identifier={identifier(body)}", token).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == [made]
    # No code was redeemed twice; each refresh token that was answered is good for another.
    assert redeemed and max(redeemed.values()) <= 1, redeemed
    assert kept
    for current in kept.values():
        assert cluster.refresh(current).status_code == 200
    # A load that a killed process interrupted, or that others were in the way of, is repeated; nothing is there twice.
    if loads[0].returncode != 0:
        assert re.search(r"\b50[234]\b|Bad Gateway", loads[0].stdout + loads[0].stderr), loads[0]
    again = load()
    assert again.returncode == 0, again.stdout + again.stderr


def test_the_master_key_is_replaced_beside_live_processes(cluster):
    one, two = cluster.processes
    file = cluster.directory / "keys/master.key"
    wrapped_by = lambda: {json.loads(line)["master"]
                          for line in cluster.postgres.psql("SELECT entry FROM hygie.data_key").splitlines()}
    [before] = wrapped_by()
    replaced = one.run("keys", "rotate")
    assert replaced.returncode == 0, replaced.stdout + replaced.stderr
    [after] = wrapped_by()
    assert after != before and after in replaced.stdout and file.with_name(f"master.key.{before}").exists()
    # The other process goes on, and starts with the old key that is kept; then it takes the new one.
    two.kill()
    two.start()
    two.wait()
    assert "the data keys are still wrapped with the master key" in two.logged()
    taken = two.run("keys", "rotate", "--new-master-file", file)
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert wrapped_by() == {after}
    for process in cluster.processes:
        assert json.loads(process.run("keys", "list", "--json").stdout)["master"] == after
    # Who knows no key finds them in the database and opens them with the new master key alone.
    assert two.stop() == 0
    (two.data / "keys.json").rename(two.data / "keys.away")
    file.with_name(f"master.key.{before}").rename(file.with_name("away"))
    two.start()
    two.wait()
    assert json.loads(two.run("keys", "list", "--json").stdout)["master"] == after
    (two.data / "keys.away").unlink()


def test_the_key_of_sealed_columns_is_replaced_beside_live_processes(cluster):
    one, two = cluster.processes
    shared = lambda: cluster.postgres.psql("SELECT id FROM hygie.data_key WHERE purpose = 'columns:directory'")
    for process in (one, two, one):
        before = shared()
        replaced = process.run("keys", "rotate", "--only", "data")
        assert replaced.returncode == 0, replaced.stdout + replaced.stderr
        assert shared() != before and len(shared().splitlines()) == 1
        # Each goes on with what the other one replaced.
        for _ in range(4):
            assert cluster.loader_token().status_code == 200
    two.kill()
    two.start()
    two.wait()
    verified = one.run("verify", "--heads", two.data / "heads")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_verify_is_clean_and_a_backup_is_restored(cluster):
    one, two = cluster.processes
    beside = one.run("verify", "--heads", two.data / "heads")
    assert beside.returncode == 0, beside.stdout + beside.stderr
    # As docs/operations.md has it, while everything runs: the heads first, then the database.
    copies = [shutil.copytree(process.data, process.directory / "copy") for process in cluster.processes]
    token = cluster.loader_token().json()["access_token"]
    between = [cluster.call("POST", "Patient", token, resource=patient()).json()["id"] for _ in range(4)]
    dump = cluster.postgres.directory / "hygie.dump"
    cluster.postgres.client("pg_dump", "--format=custom", "--schema=hygie", f"--file={dump}", "hygie")
    assert cluster.call("POST", "Patient", token, resource=patient()).status_code == 201
    assert [process.stop() for process in cluster.processes] == [0, 0]

    whole = one.run("verify", "--heads", two.data / "heads")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert len(whole.stdout.splitlines()) == 2, whole.stdout
    alone = one.run("verify")
    assert alone.returncode == 0 and "without the heads of their process" in alone.stdout, alone.stdout + alone.stderr
    # What somebody with the database removes from the end of the other's trail is missed with its heads alone.
    name = (two.data / "process").read_text().strip()
    cluster.postgres.psql(
        f"DELETE FROM hygie.access WHERE chain = '{name}' AND instance = 1 AND seq = "
        f"(SELECT max(seq) FROM hygie.access WHERE chain = '{name}' AND instance = 1)"
    )
    found = two.run("verify", "--heads", one.data / "heads")
    assert found.returncode == 1 and f"chain {name}" in found.stdout, found.stdout

    cluster.postgres.create("restored")
    cluster.postgres.client("pg_restore", "--exit-on-error", "--no-owner", "--dbname=restored", dump)
    for process, copy in zip(cluster.processes, copies):
        process.move_to(copy, "restored")
    restored = one.run("verify", "--heads", copies[1] / "heads")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    for process in cluster.processes:
        process.start()
    for process in cluster.processes:
        process.wait()
    for made in between:
        assert cluster.call("GET", f"Patient/{made}", token).status_code == 200
    assert cluster.call("POST", "Patient", token, resource=patient()).status_code == 201
    assert [process.stop() for process in cluster.processes] == [0, 0]
    again = one.run("verify", "--heads", two.data / "heads")
    assert again.returncode == 0 and len(again.stdout.splitlines()) == 2, again.stdout


def test_the_configuration_is_explained_and_files_are_not_copied(cluster, tmp_path):
    one = cluster.processes[0]
    right = one.run("check-config", "--online")
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = one.run("check-config", "--online", password="wrong-password")
    assert wrong.returncode == 1
    [line] = wrong.stdout.splitlines()
    assert "hygie.toml:4: " in line and "authentication failed" in line, line
    assert "wrong-password" not in line
    for command in ("backup", "restore"):
        refused = one.run(command, tmp_path / "copy")
        assert refused.returncode == 2
        [line] = refused.stderr.splitlines()
        assert "PostgreSQL" in line and "own tools" in line, line
