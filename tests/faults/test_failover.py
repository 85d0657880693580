"""The primary is killed, hangs, is cut off silently or becomes read-only, and its synchronous
standby is promoted: API and worker go on by themselves, and nothing acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest

from conftest import Cluster, environment_for, wait_for
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.infra.settings import Settings
from tests.conftest import mint
from tests.relay import Relay, relayed
from tests.servers import api_process

from .conftest import Scale
from .harness import CONCURRENCY, OPTIONS, Harness, Hook
from .standby import Server, Servers
from .test_idempotency import UNLIMITED, create, order_body

#: Recovery is given this long before the test fails, seconds; it prints how long it took.
PATIENCE_S: Final = 90.0

#: What has to be acknowledged and delivered anew for everything to count as healthy.
ORDERS, EVENTS = 3, 20


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


@dataclass
class Traffic:
    """Orders over the API and events beside them, all the time; what was acknowledged is kept."""

    harness: Harness
    hook: Hook
    client: httpx.AsyncClient
    orders: list[str] = field(default_factory=list)

    async def publishing(self) -> None:
        while True:
            try:
                await self.harness.publish(self.hook, 8)
            except Exception as error:
                if passing_fault(error) is None:
                    raise
            await asyncio.sleep(0.02)

    async def ordering(self, name: str) -> None:
        number = 0
        while True:
            number += 1
            with suppress(httpx.TransportError):
                body = await self._quoted()
                answer = (
                    None if body is None else await create(self.client, body, f"{name}-{number}")
                )
                if answer is not None and answer.status_code == 201:
                    self.orders.append(answer.json()["order_id"])
            await asyncio.sleep(0.05)

    async def _quoted(self) -> dict[str, object] | None:
        try:
            return await order_body(self.client)
        except (AssertionError, KeyError):
            return None  # no quote while the database is away

    async def healthy(self) -> None:
        """Wait until the API acknowledges and the worker delivers what it did not before."""
        orders, events = len(self.orders) + ORDERS, self.harness.accepted() + EVENTS
        began = time.monotonic()

        async def ordered() -> bool:
            return len(self.orders) >= orders

        await wait_for(ordered, seconds=PATIENCE_S)
        api = time.monotonic() - began
        await self.harness.accepts(events, seconds=PATIENCE_S)
        print(f"API after {api:.1f} s, worker after {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize("how", ["killed", "hung", "cut", "read-only"])
async def test_a_standby_is_promoted(
    harness: Harness,
    pair: Pair,
    settings: Settings,
    organization: uuid.UUID,
    scale: Scale,
    how: str,
) -> None:
    hook = await harness.hook("orders", delay_s=0.01)
    harness.worker()
    key = await mint(harness.ctx, organization, Environment.TEST)
    async with (
        api_process(settings, **UNLIMITED) as (url, _),
        httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):
        traffic = Traffic(harness, hook, client)
        running = [
            group.create_task(traffic.publishing()),
            *(group.create_task(traffic.ordering(name)) for name in ("one", "two")),
        ]
        await traffic.healthy()
        for number in range(scale(1, 5)):
            if number:
                await pair.again()
                await traffic.healthy()
            await pair.strike(how)
            await traffic.healthy()
        for task in running:
            task.cancel()
    # What was being sent when the primary hung may outlive its lease, and is sent again.
    await _nothing_lost(harness, pair, traffic, repeats_at_most=scale(1, 5) * CONCURRENCY)


async def _nothing_lost(
    harness: Harness, pair: Pair, traffic: Traffic, *, repeats_at_most: int
) -> None:
    await harness.drained(seconds=120)
    ledgers = await harness.ledgers()
    print(f"{len(ledgers.published)} events, {len(ledgers.unsure)} in doubt,"
          f" {len(traffic.orders)} orders, {ledgers.repeats} repeats")  # fmt: skip
    ledgers.check(repeats_at_most=repeats_at_most)
    promoted = await asyncpg.connect(pair.standby.url("postgres", pair.database))
    try:
        found = await promoted.fetch("SELECT id FROM orders")
        told = await promoted.fetch("SELECT DISTINCT order_id FROM event")
    finally:
        await promoted.close()
    assert set(traffic.orders) <= {row["id"] for row in found}
    assert set(traffic.orders) <= {row["order_id"] for row in told}
