"""What every test can ask for: a real PostgreSQL with the schema, and an application context on a
fresh copy."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import uvloop

from privata.infra import embedded
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.wiring import wire
from tests import canaries

_counter = itertools.count(1)

#: Memory that looks like a directory (Linux), and the bytes a run needs of it.
_MEMORY = Path("/dev/shm")  # noqa: S108  # its own directory is made in it
_ROOM = 4 * 1024**3
_PREFIX = "privata-tests-"

#: Places outside this machine that the running test tried to reach.
_reached_for: list[str] = []


class LeftTheMachine(Exception):
    """A test tried to connect to something that is not this machine."""


def pytest_configure() -> None:
    """Put the rooms together, and watch every connection of this process (PEP 578)."""
    sys.addaudithook(_watch_connections)
    wire()
    canaries.listen()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders with long tests first, so that no process ends on one."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """After each test: no secret stands in a log."""
    report = yield
    if call.when == "teardown":
        canaries.judge(item, report)
    return report


def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: a test often waits for a program that it started."""
    return min((os.cpu_count() or 1) + 1, 4)


def _watch_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        stay_here(arguments[1][0])


def stay_here(host: str) -> None:
    """Raise `LeftTheMachine`, and remember it, unless `host` is this machine."""
    if host == "localhost" or ip_address(host.partition("%")[0]).is_loopback:
        return
    _reached_for.append(host)
    raise LeftTheMachine(host)


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails a test that tries to leave this machine, even when the attempt's error is handled.

    Unix sockets and loopback are this machine. uvloop connects beneath the interpreter, so it is
    watched where it is asked to.
    """
    connect = uvloop.Loop.create_connection

    async def watched(loop: Any, factory: Any, host: Any = None, *rest: Any, **more: Any) -> Any:
        if host is not None:
            stay_here(host)
        return await connect(loop, factory, host, *rest, **more)

    monkeypatch.setattr(uvloop.Loop, "create_connection", watched)
    _reached_for.clear()
    yield _reached_for
    assert not _reached_for, f"the test tried to connect to {_reached_for}"


@dataclass(frozen=True)
class Cluster:
    """The server of this test run and the database that others are copied from."""

    admin_url: str
    app_url: str
    owner_url: str
    template: str = "privata_template"

    def copy(self) -> str:
        """Make a database out of the template; its name."""
        name = f"t{os.getpid()}_{next(_counter)}"
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE {self.template} OWNER privata_owner"
                " STRATEGY file_copy"
            )
        return name

    def drop(self, name: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def app(self, name: str) -> str:
        return self.app_url.replace("/privata?", f"/{name}?")

    def owner(self, name: str) -> str:
        return self.owner_url.replace("/privata?", f"/{name}?")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The server of this process of the run.

    Each has its own: what the event feed may show depends on all transactions of a server, those of
    other databases included.
    """
    home = _home_of_the_run()
    try:
        with running_cluster(home) as made:
            yield made
    finally:
        shutil.rmtree(home)


def _home_of_the_run() -> Path:
    """A directory for the server, in the machine's memory where there is room.

    Hundreds of databases are copied and dropped, which a file system on a disk makes ever slower.
    """
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    for left in _MEMORY.glob(f"{_PREFIX}*"):  # by a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    parent = _MEMORY if in_memory else None
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    home.chmod(0o755)  # the database runs as another user when this is root
    return home


@contextmanager
def running_cluster(home: Path, *, fast: bool = True) -> Iterator[Cluster]:
    """A server of its own in `home` with a migrated template; both are gone after the block.

    A fast one forgets its last commits when it crashes.
    """
    server = embedded.acquire(home, fast=fast)
    made = Cluster(server.admin_url, server.app_url, server.owner_url)
    make_template(made, home)
    yield made
    server.release()
    embedded.destroy(home)


def make_template(made: Cluster, home: Path) -> None:
    """Make the database that others are copied from, and migrate it."""
    with psycopg.connect(made.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {made.template} OWNER privata_owner")
    subprocess.run(
        [sys.executable, "-m", "privata", "migrate"],
        check=True,
        env=environment_for(home, made.app(made.template), made.owner(made.template)),
        stdout=subprocess.DEVNULL,
    )


def environment_for(home: Path, app_url: str, owner_url: str, **more: str) -> dict[str, str]:
    """The environment of a `privata` program of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRIVATA_")}
    return kept | {
        "PRIVATA_HOME": str(home),
        "PRIVATA_DATABASE_URL": app_url,
        "PRIVATA_DATABASE_OWNER_URL": owner_url,
        "PRIVATA_DRAIN_SECONDS": "0",  # no proxy stands in front of them
        "PRIVATA_PASSWORD_MEMORY_KIB": "19456",  # the least allowed: hundreds are hashed
        **more,
    }


@pytest.fixture
def database_name(cluster: Cluster) -> Iterator[str]:
    """A fresh database with the schema."""
    name = cluster.copy()
    yield name
    cluster.drop(name)


@pytest.fixture
def settings(cluster: Cluster, database_name: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        home=tmp_path,
        database_url=cluster.app(database_name),
        database_owner_url=cluster.owner(database_name),
        drain_seconds=0,
    )


@pytest.fixture
async def ctx(settings: Settings) -> AsyncIterator[AppContext]:
    """An application context as the application's role on the fresh database."""
    assert settings.database_url is not None
    opened = await AppContext.open(settings, settings.database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def organization(ctx: AppContext) -> uuid.UUID:
    """An approved organization without people."""
    made = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Acme Wallet', 'approved')", made
    )
    return made


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that owns the tables."""
    connection = await asyncpg.connect(settings.database_owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def superuser(cluster: Cluster, database_name: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the one whom no trigger stops."""
    url = cluster.admin_url.replace("/postgres?", f"/{database_name}?")
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica; SET timezone = 'UTC'")
    yield connection
    await connection.close()


async def wait_for(condition, *, seconds: float = 20.0):  # type: ignore[no-untyped-def]
    """The first true answer of the (async) condition; fails after a generous while."""
    async with asyncio.timeout(seconds):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.02)


__all__ = ["Cluster", "environment_for", "running_cluster", "stay_here", "wait_for"]
