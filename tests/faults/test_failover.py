"""The primary is killed, hangs, is cut off silently or becomes read-only, and its synchronous
standby is promoted: API and worker go on by themselves, and nothing acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from conftest import Cluster, environment_for, wait_for
from privata.infra.context import AppContext
from privata.infra.database import for_django
from privata.infra.database.postgres import Database
from privata.infra.settings import Settings
from tests.relay import Relay, relayed

from .conftest import Scale
from .harness import CONCURRENCY, OPTIONS, Harness
from .standby import Server, Servers
from .traffic import through_programs

_READS = "SELECT current_setting('port') = $1"


@dataclass
class Pair:
    """A primary and its standby, each behind a line; `url` names both."""

    servers: Servers
    lines: AsyncExitStack
    database: str
    primary: Server
    standby: Server
    relays: dict[int, Relay] = field(default_factory=dict)
    tried: list[Server] = field(default_factory=list)

    async def line(self, server: Server) -> None:
        url = server.url("privata_app", self.database)
        self.relays[server.port] = await self.lines.enter_async_context(relayed(url))

    def url(self, user: str) -> str:
        hosts = ",".join(f"127.0.0.1:{relay.port}" for relay in self.relays.values())
        return f"postgresql://{user}@{hosts}/{self.database}?sslmode=disable"

    async def strike(self, how: str) -> None:
        """Break the primary, and promote the standby."""
        broken = self.primary
        match how:
            case "killed":
                await asyncio.to_thread(broken.kill)
            case "hung":
                broken.signal(signal.SIGSTOP)
            case "cut":
                self.relays[broken.port].freeze()
            case "read-only":
                await asyncio.to_thread(broken.switch_to_read_only)
        await asyncio.to_thread(self.standby.promote)

    async def again(self) -> None:
        """The promoted one gets a standby of its own, at the address of the broken one."""
        broken = self.primary
        await asyncio.to_thread(broken.kill)
        relay = self.relays.pop(broken.port)
        relay.thaw()
        relay.cut()
        self.primary = self.standby
        self.standby = await asyncio.to_thread(self.servers.standby, self.primary)
        relay.lead_to(self.standby.port)
        self.relays[self.standby.port] = relay


@pytest.fixture
async def pair(cluster: Cluster, database_name: str) -> AsyncIterator[Pair]:
    with ExitStack() as stack:
        servers = Servers(stack)
        primary = await asyncio.to_thread(servers.primary, cluster.admin_url)
        standby = await asyncio.to_thread(servers.standby, primary)
        async with AsyncExitStack() as lines:
            made = Pair(servers, lines, database_name, primary, standby)
            await made.line(primary)
            await made.line(standby)
            yield made


@pytest.fixture
def settings(settings: Settings, pair: Pair) -> Settings:
    urls = {
        "database_url": pair.url("privata_app"),
        "database_owner_url": pair.url("privata_owner"),
    }
    return settings.model_copy(update=urls)


@pytest.fixture
async def harness(ctx: AppContext, settings: Settings, tmp_path: Path) -> AsyncIterator[Harness]:
    env = environment_for(
        ctx.settings.home,
        str(settings.database_url),
        str(settings.database_owner_url),
        **{f"PRIVATA_{name.upper()}": str(value) for name, value in OPTIONS.items()},
    )
    with ExitStack() as stack:
        made = Harness(ctx, env, tmp_path / "journal", stack)
        await made.open()
        yield made


async def test_a_process_that_only_reads_leaves_a_server_that_is_read_only(pair: Pair) -> None:
    """No write of it is refused, so nothing else tells it that what it reads is old."""
    url = pair.url("postgres")
    database = await Database.connect(url, size=3)
    try:
        held = [await database.pool.acquire() for _ in range(3)]
        for one in held:
            await database.pool.release(one)
        await pair.strike("read-only")

        async def moved() -> bool:
            return bool(await database.pool.fetchval(_READS, str(pair.standby.port)))

        await wait_for(moved)
        # No connection is left from before, not only the one that was asked.
        async with AsyncExitStack() as stack:
            for _ in range(3):
                one = await stack.enter_async_context(database.pool.acquire())
                assert await one.fetchval(_READS, str(pair.standby.port))
    finally:
        await database.close()


async def test_pages_that_only_read_leave_a_server_that_is_read_only(pair: Pair) -> None:
    url = pair.url("postgres")
    kind = for_django.pages_database(url, 1)["OPTIONS"]["pool"]["connection_class"]
    page = await asyncio.to_thread(kind.connect, for_django.conninfo(url), autocommit=True)
    try:
        await pair.strike("read-only")

        async def refused() -> bool:
            try:
                await asyncio.to_thread(page.execute, "")  # as their pool tries it
            except psycopg.OperationalError:
                return True
            return False

        await wait_for(refused)
    finally:
        page.close()


@pytest.mark.parametrize("how", ["killed", "hung", "cut", "read-only"])
async def test_a_standby_is_promoted(
    harness: Harness,
    pair: Pair,
    settings: Settings,
    organization: uuid.UUID,
    scale: Scale,
    how: str,
) -> None:
    async with through_programs(harness, settings, organization) as (running, _, _):
        for number in range(scale(1, 5)):
            if number:
                await pair.again()
                await running.healthy()
            await pair.strike(how)
            await running.healthy()
    # What was being sent when the primary hung may outlive its lease, and is sent again.
    await running.check(
        pair.standby.url("postgres", pair.database), repeats_at_most=scale(1, 5) * CONCURRENCY
    )
