"""Everything may be killed at any moment; the next start finds the data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from privata.infra.embedded import acquire, layout, postmaster
from privata.infra.embedded.locks import Lock
from privata.infra.embedded.tests.conftest import (
    Program,
    ask,
    data_of,
    eventually,
    in_use,
    supervisors,
    unkept,
)


def _postmaster(home: Path) -> int:
    found = postmaster.read(data_of(home))
    assert found is not None
    return found.pid


def test_killing_the_only_program_stops_the_server(
    home: Path, program: Callable[..., Program]
) -> None:
    program(home).kill()
    eventually(lambda: not in_use(home))
    assert postmaster.read(data_of(home)) is None, "a clean shutdown removes its lock file"


def test_data_survive_the_killing_of_program_supervisor_and_postmaster(
    home: Path, program: Callable[..., Program]
) -> None:
    one = program(home, "--durable")
    ask(one.said["url"], "CREATE TABLE kept AS SELECT 42 AS value")
    eventually(lambda: bool(supervisors(home)))
    for pid in supervisors(home):
        os.kill(pid, signal.SIGKILL)
    os.kill(_postmaster(home), signal.SIGKILL)
    one.kill()
    eventually(lambda: unkept(home))
    assert (data_of(home) / "postmaster.pid").exists()
    with acquire(home) as server:
        assert ask(server.owner_url, "SELECT value FROM kept") == 42
        eventually(lambda: len(supervisors(home)) == 1)


def test_a_killed_postmaster_is_replaced_while_a_program_goes_on(
    home: Path, program: Callable[..., Program]
) -> None:
    one = program(home)
    os.kill(_postmaster(home), signal.SIGKILL)
    with acquire(home, fast=True) as server:
        assert ask(server.owner_url, "SELECT 1") == 1
        assert ask(one.said["url"], "SELECT 1") == 1


def test_a_backend_that_outlives_its_postmaster_is_cleared_away(
    home: Path, program: Callable[..., Program]
) -> None:
    one = program(home)
    with psycopg.connect(one.said["url"], autocommit=True) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # so that it cannot notice
        os.kill(_postmaster(home), signal.SIGKILL)
        with acquire(home, fast=True) as server:
            assert ask(server.owner_url, "SELECT 1") == 1
            assert backend not in postmaster.processes(data_of(home))[1]


def test_a_server_without_its_socket_is_replaced(home: Path) -> None:
    with acquire(home, fast=True) as one:
        (one.socket_directory / layout.SOCKET_NAME).unlink()
        with acquire(home, fast=True) as two:
            assert ask(two.owner_url, "SELECT 1") == 1


def test_a_server_without_supervisor_gets_one(home: Path, program: Callable[..., Program]) -> None:
    one = program(home)
    eventually(lambda: bool(supervisors(home)))
    os.kill(supervisors(home)[0], signal.SIGKILL)
    eventually(lambda: unkept(home))
    two = program(home)
    one.end()
    two.end()
    eventually(lambda: not in_use(home))


def test_a_supervisor_that_dies_during_a_start_is_replaced(home: Path) -> None:
    """One being killed holds its lock a little longer; the start then has to look again."""
    control = layout.control_of(home)
    with ThreadPoolExecutor(1) as pool, Lock(control / "server.lock") as server:
        with Lock(control / "supervisor.lock") as dying:
            assert dying.try_exclusive()
            assert server.try_exclusive()
            starting = pool.submit(acquire, home, fast=True)
            with Lock(control / "users.lock") as users:
                eventually(lambda: not _free(users))
            time.sleep(0.3)  # by now the start has met the dying supervisor's lock
        server.unlock()
        with starting.result(60):
            eventually(lambda: len(supervisors(home)) == 1)


def _free(lock: Lock) -> bool:
    if not lock.try_exclusive():
        return False
    lock.unlock()
    return True


def test_a_lock_file_that_names_a_living_stranger_is_stale(home: Path) -> None:
    """Process ids are used again, soon so in containers; PostgreSQL alone would refuse to start."""
    with acquire(home, fast=True):
        lock_file = data_of(home) / "postmaster.pid"
        lines = lock_file.read_text().splitlines()
    eventually(lambda: not in_use(home))
    lines[0] = str(os.getpid())
    lock_file.write_text("\n".join(lines) + "\n")
    with acquire(home, fast=True) as server:
        assert ask(server.owner_url, "SELECT 1") == 1


def test_a_program_killed_amid_its_first_start(fresh_home: Path) -> None:
    """What it was building with is still at work when the next one comes."""
    script = str(Path(__file__).with_name("program.py"))
    first = subprocess.Popen([sys.executable, script, str(fresh_home)], stdin=subprocess.DEVNULL)
    eventually(lambda: any(data_of(fresh_home).parent.glob("data.new-*/PG_VERSION")))
    for pid in [first.pid, *supervisors(fresh_home)]:
        os.kill(pid, signal.SIGKILL)
    first.wait()
    eventually(lambda: unkept(fresh_home))
    assert not data_of(fresh_home).exists()
    with acquire(fresh_home, fast=True) as server:
        assert ask(server.app_url, "SELECT current_user") == "privata_app"
        assert not list(data_of(fresh_home).parent.glob("data.new-*"))


def test_a_first_start_that_was_cut_short_is_begun_again(fresh_home: Path) -> None:
    half = layout.make_control(fresh_home) / "data.new-cut"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with acquire(fresh_home, fast=True) as server:
        assert ask(server.app_url, "SELECT current_user") == "privata_app"
