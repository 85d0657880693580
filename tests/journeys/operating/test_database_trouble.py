"""Whatever passes by itself at the database is 503 with Retry-After and one line in the log."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import psycopg
import pytest

from conftest import Cluster, wait_for
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.faults import FAULTS
from privata.infra.settings import Settings
from privata.serving import listen, serve_on
from tests.browser.server import Server, running_server
from tests.conftest import mint
from tests.loopback import NO_AUTHORITIES
from tests.relay import relayed
from tests.visitors import Visitor

ORDER = "/order/prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11"

_WAITING = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)

_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'privata'"
)

Connection = asyncpg.Connection
Ask = Callable[[], Awaitable[httpx.Response]]


@asynccontextmanager
async def _api(settings: Settings, url: str, key: str) -> AsyncIterator[Ask]:
    """An API on the database at `url`, and a call to it."""
    ctx = await AppContext.open(settings, url)
    listener = listen("127.0.0.1", 0)
    task = asyncio.create_task(serve_on(listener, ctx, only="api"))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/partner/v1"
    try:
        async with httpx.AsyncClient(
            base_url=base_url, verify=NO_AUTHORITIES, timeout=60
        ) as client:
            yield lambda: client.get(ORDER, headers={"X-API-Key": key})
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ctx.database.pool.terminate()


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test before may have had the same fault a moment ago."""
    monkeypatch.setattr(FAULTS, "_told", {})


@pytest.fixture
async def key(ctx: AppContext, organization: object) -> str:
    return await mint(ctx, organization, Environment.TEST)  # type: ignore[arg-type]


def _check(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "INTERNAL"
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert int(answer.headers["retry-after"]) > 0


def _check_log(records: list[logging.LogRecord], words: str, *, most: int = 1) -> None:
    """One line, or `most`, and no trace, neither of ours nor of the server's."""
    told = [
        one
        for one in records
        if one.levelno >= logging.WARNING
        and "ready" not in one.msg
        and not one.name.startswith("asyncpg")  # which the telemetry of a program silences
    ]
    assert [one.getMessage() for one in told if words not in one.getMessage()] == []
    assert 1 <= len(told) <= most
    assert not any(one.exc_info for one in told)


@pytest.mark.parametrize("table", ["api_key", "orders"])
async def test_a_connection_that_is_terminated(
    settings: Settings,
    key: str,
    superuser: Connection,
    caplog: pytest.LogCaptureFixture,
    table: str,
) -> None:
    """Whether it admitted the call or was in a route: the latter was 500, logged twice."""
    async with _api(settings, str(settings.database_url), key) as ask:
        assert (await ask()).status_code == 404
        async with superuser.transaction():
            await superuser.execute(f"LOCK TABLE {table}")
            asked = asyncio.ensure_future(ask())
            pid = await wait_for(lambda: superuser.fetchval(_WAITING))
            await superuser.execute("SELECT pg_terminate_backend($1)", pid)
            _check(await asked)
        assert (await ask()).status_code == 404
    _check_log(caplog.records, "a connection to the database was lost")


@pytest.mark.parametrize("timeout", ["lock_timeout", "statement_timeout"])
@pytest.mark.parametrize("table", ["api_key", "orders"])
async def test_a_lock_or_statement_that_takes_too_long(
    settings: Settings,
    key: str,
    superuser: Connection,
    caplog: pytest.LogCaptureFixture,
    timeout: str,
    table: str,
) -> None:
    async with _api(settings, f"{settings.database_url}&{timeout}=1s", key) as ask:
        async with superuser.transaction():
            await superuser.execute(f"LOCK TABLE {table}")
            _check(await ask())
        assert (await ask()).status_code == 404
    _check_log(caplog.records, "too slow")


async def test_a_database_that_is_read_only(
    settings: Settings, key: str, superuser: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """It becomes so under a server that runs; a program does not start on one."""
    name = await superuser.fetchval("SELECT current_database()")
    async with _api(settings, str(settings.database_url), key) as ask:
        assert (await ask()).status_code == 404
        caplog.clear()
        await superuser.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await superuser.execute(_TERMINATE)
        # The first call may still meet the connection that was ended.
        for _ in range(3):
            _check(await ask())
            FAULTS._told.clear()
    told = [one for one in caplog.records if not one.name.startswith("asyncpg")]
    assert any("read-only" in one.getMessage() for one in told)
    assert not any(one.exc_info for one in told)


async def test_a_database_that_takes_no_more_connections(
    settings: Settings, key: str, superuser: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    name = await superuser.fetchval("SELECT current_database()")
    async with _api(settings, str(settings.database_url), key) as ask:
        assert (await ask()).status_code == 404
        await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        await superuser.execute(_TERMINATE)
        answers = await asyncio.gather(*(ask() for _ in range(20)))
        for answer in answers:
            _check(answer)
        await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        assert (await ask()).status_code == 404
    # Those that waited longest are counted in a second line.
    _check_log(caplog.records, "takes no more", most=2)


async def test_a_network_that_cuts_connections(
    settings: Settings, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with relayed(str(settings.database_url)) as line, _api(settings, line.url, key) as ask:
        assert (await ask()).status_code == 404
        line.freeze()
        asked = asyncio.ensure_future(ask())
        await asyncio.sleep(0.5)
        line.cut()
        _check(await asked)
        line.thaw()
        assert (await wait_for(lambda: _found(ask))).status_code == 404
    _check_log(caplog.records, "a connection to the database was lost")


async def _found(ask: Ask) -> httpx.Response | None:
    answer = await ask()
    return None if answer.status_code == 503 else answer


# Pages: a server of their own, whose log is a file.


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trouble")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home) as running:
        yield running


def test_pages_say_that_the_database_is_away(cluster: Cluster, server: Server, home: Path) -> None:
    """They said that something went wrong, with a trace of psycopg's and one of Django's."""
    visitor = Visitor(server)
    visitor.sign_in(server.credentials.owner_email, server.credentials.owner_password)
    name = server.execute("SELECT current_database()")[0][0]
    admin = cluster.admin_url.replace("/postgres?", f"/{name}?")
    before = len((home / "server.log").read_text())
    for table in ("membership", "user_session", "webhook_endpoint"):
        with ThreadPoolExecutor(1) as thread, psycopg.connect(admin) as lock:
            lock.execute(f"LOCK TABLE {table}")
            asked = thread.submit(visitor.client.get, "/test/webhooks/")
            while not asked.done():
                lock.execute(f"SELECT pg_terminate_backend(pid) FROM ({_WAITING}) AS waiting")
                time.sleep(0.02)
            answer = asked.result()
            lock.rollback()
        assert answer.status_code == 503, table
        assert "Temporarily unavailable" in answer.text
        assert int(answer.headers["retry-after"]) > 0
    assert visitor.client.get("/test/webhooks/").status_code == 200
    visitor.close()
    told = (home / "server.log").read_text()[before:]
    assert "    | " not in told, "a trace"
    assert 1 <= len(re.findall("the database cannot be reached|was lost", told)) <= 6
    assert "Service Unavailable" not in told
