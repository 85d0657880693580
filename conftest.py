"""What every test can ask for: a real PostgreSQL with the schema, and an application context on a
fresh copy."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
import uvloop
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.wiring import wire
from tests import canaries, clusters
from tests.clusters import Cluster, cluster_of_the_process, environment_for, running_cluster
from tests.pooling import pooled

_Found = TypeVar("_Found")

#: Where tests take long: all of `tests`, and files that fill a table with a million rows or compare
#: every face of hundreds of histories.
_LONG = (
    "tests/",
    "src/privata/orders/tests/test_search_at_size.py",
    "src/privata/webhooks/deliveries/tests/test_one_state.py",
)

#: Places outside this machine that the running test tried to reach.
_reached_for: list[str] = []


class LeftTheMachine(Exception):
    """A test tried to connect to something that is not this machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pooler",
        action="store_true",
        help="put PgBouncer in transaction mode before the database (for tests/journeys/partner)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Put the rooms together, and watch every connection of this process (PEP 578)."""
    sys.addaudithook(_watch_connections)
    # Neither is a promise of ours, and both measure the machine: the first example of a process
    # also builds Hypothesis's table of characters, whichever test draws it.
    hypothesis_settings.register_profile(
        "house", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    hypothesis_settings.load_profile("house")
    wire()
    canaries.listen()
    clusters.keep_in(config.rootpath / ".pytest_cache" / "database")
    _keep_bytecode()


def _keep_bytecode() -> None:
    """Let Python keep what it compiles, also where the machine tells it not to, as images do.

    A run starts hundreds of programs, and each would compile all of our sources for itself: three
    times the work of everything else that a command does.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders and files with long tests first, so that no process ends on one.

    pytest-randomly has shuffled the files and the tests of each by now; a sort that is stable keeps
    its order inside the two parts. All processes of a run get one seed, so they collect alike.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The server of this process of the run."""
    with cluster_of_the_process() as made:
        yield made


@pytest.fixture
def database_name(cluster: Cluster) -> Iterator[str]:
    """A fresh database with the schema."""
    name = cluster.copy()
    yield name
    cluster.drop(name)


# Of the module, as the server is in tests that stop or restore one.
@pytest.fixture(scope="module")
def app_url(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """How the application reaches a database: directly, or with `--pooler` through PgBouncer."""
    if not request.config.getoption("--pooler"):
        yield cluster.app
        return
    log = tmp_path_factory.mktemp("pooler") / "log"
    with pooled(cluster.app(cluster.template), log) as url:
        yield lambda name: url.replace(f"/{cluster.template}?", f"/{name}?")


@pytest.fixture
def settings(
    cluster: Cluster, database_name: str, tmp_path: Path, app_url: Callable[[str], str]
) -> Settings:
    direct = cluster.app(database_name)
    url = app_url(database_name)
    return Settings(
        _env_file=None,
        home=tmp_path,
        database_url=url,
        database_listen_url=None if url == direct else direct,
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


async def wait_for(
    condition: Callable[[], Awaitable[_Found | None]], *, seconds: float = 20.0
) -> _Found:
    """The first true answer of the (async) condition; fails after a generous while."""
    async with asyncio.timeout(seconds):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.02)


__all__ = ["Cluster", "environment_for", "running_cluster", "stay_here", "wait_for"]
