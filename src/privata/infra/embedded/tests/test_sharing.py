"""Starting, sharing and letting go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from privata.core.errors import StartupError
from privata.infra.embedded import acquire, destroy, layout, postmaster
from privata.infra.embedded.tests.conftest import (
    Program,
    ask,
    data_of,
    eventually,
    in_use,
    supervisors,
)


async def test_a_fresh_server_has_its_roles_and_the_application_owns_nothing(
    fresh_home: Path,
) -> None:
    with acquire(fresh_home) as server:
        urls = (server.owner_url, server.app_url, server.admin_url)
        roles = [ask(url, "SELECT current_user") for url in urls]
        assert roles == ["privata_owner", "privata_app", "postgres"]
        connection = await asyncpg.connect(server.app_url)
        assert await connection.fetchval("SELECT current_database()") == "privata"
        await connection.close()

        superusers = "SELECT array_agg(rolname) FROM pg_roles WHERE rolsuper"
        assert ask(server.admin_url, superusers) == ["postgres"]
        owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'privata'"
        assert ask(server.admin_url, owner) == "privata_owner"
        owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = 'privata_app'::regrole"
        assert ask(server.admin_url, owned) == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(server.app_url, "CREATE TABLE mine ()")


def test_settings_of_a_fresh_server(home: Path) -> None:
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "max_connections": "200",
    }
    with acquire(home) as server:
        found = {name: ask(server.app_url, f"SHOW {name}") for name in expected}
        collation = (
            "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'privata'"
        )
        assert ask(server.app_url, collation) == "bC.UTF-8"
    assert found == expected


def test_two_programs_share_and_the_last_one_stops_it(
    home: Path, program: Callable[..., Program]
) -> None:
    one, two = program(home), program(home)
    assert one.said == two.said
    started = postmaster.read(data_of(home))
    eventually(lambda: len(supervisors(home)) == 1)
    one.end()
    assert ask(two.said["url"], "SELECT 1") == 1
    assert postmaster.read(data_of(home)) == started
    two.end()
    eventually(lambda: not in_use(home))
    assert postmaster.read(data_of(home)) is None


def test_users_that_come_and_go_at_once(home: Path) -> None:
    """Every arrival meets a server that serves, also while the supervisor is stopping the last
    one."""
    for _ in range(5):
        with acquire(home, fast=True) as server:
            assert ask(server.app_url, "SELECT 1") == 1
        with acquire(home, fast=True) as server:
            assert ask(server.app_url, "SELECT 2") == 2
    eventually(lambda: not in_use(home))


def test_release_twice_and_two_handles_in_one_program(home: Path) -> None:
    one, two = acquire(home, fast=True), acquire(home, fast=True)
    one.release()
    one.release()
    assert ask(two.owner_url, "SELECT 1") == 1
    two.release()


def test_interrupting_a_program_does_not_interrupt_the_server(
    home: Path, program: Callable[..., Program]
) -> None:
    one, two = program(home), program(home)
    os.killpg(one.process.pid, signal.SIGINT)
    one.process.communicate()
    started = postmaster.read(data_of(home))
    assert started is not None
    assert os.getsid(started.pid) != one.process.pid
    assert ask(two.said["url"], "SELECT 1") == 1


def test_the_server_holds_no_pipe_of_the_program_that_started_it(home: Path) -> None:
    """Whoever reads the program's output until its end must not wait for the server."""
    reading, writing = os.pipe()
    script = str(Path(__file__).with_name("program.py"))
    with acquire(home, fast=True) as server:  # keeps the server up
        server.release()
        ended = subprocess.run(
            [sys.executable, script, str(home), "--leave"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            timeout=60,
            check=True,
        )
    os.close(writing)
    with os.fdopen(reading, "rb") as inherited:
        assert inherited.read() == b""
    assert b"url" in ended.stdout


def test_destroy_refuses_a_server_in_use_and_removes_one_that_is_not(fresh_home: Path) -> None:
    with acquire(fresh_home, fast=True) as server:
        ask(server.owner_url, "CREATE TABLE kept AS SELECT 1")
        data = data_of(fresh_home)
        with pytest.raises(StartupError, match="in use"):
            destroy(fresh_home)
    destroy(fresh_home)
    assert not data.exists()
    with acquire(fresh_home, fast=True) as server:
        assert ask(server.owner_url, "SELECT to_regclass('kept')") is None
    destroy(fresh_home)
    assert list(fresh_home.iterdir()) == []


def test_a_home_is_removed_while_its_supervisor_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor that started late put its locks into the directory that was being removed."""
    control = layout.make_control(tmp_path / "home")
    late = [control / "start.lock", control / "users.lock"]
    remove = os.rmdir

    def rmdir(*where: Any, **more: Any) -> None:
        if late:
            late.pop().touch()
        remove(*where, **more)

    monkeypatch.setattr(os, "rmdir", rmdir)
    destroy(tmp_path / "home")
    assert not late
    assert not control.exists()
