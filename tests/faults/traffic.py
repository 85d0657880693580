"""Orders over the API and events beside them, all the time, while something is broken."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import httpx

from conftest import wait_for
from privata.core.tenancy import Environment
from privata.infra.database.faults import passing_fault
from privata.infra.settings import Settings
from tests.conftest import ADDRESSES, mint
from tests.programs import Program
from tests.servers import api_process

from .harness import Harness, Hook
from .test_idempotency import QUOTE, UNLIMITED, create

#: Recovery is given this long before the test fails, seconds; it prints how long it took.
PATIENCE_S: Final = 90.0

#: Seconds between two transactions that publish events.
PAUSE_S: Final = 0.02

#: What has to be acknowledged and delivered anew for everything to count as healthy.
ORDERS, EVENTS = 3, 20


@dataclass
class Traffic:
    """What was acknowledged is kept, and how often the API said that it cannot serve now."""

    harness: Harness
    hook: Hook
    client: httpx.AsyncClient
    pause_s: float
    orders: list[str] = field(default_factory=list)
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)

    async def publishing(self) -> None:
        while True:
            try:
                await self.harness.publish(self.hook, 8)
            except Exception as error:
                if passing_fault(error) is None:
                    raise
            await asyncio.sleep(self.pause_s)

    async def ordering(self, name: str) -> None:
        number = 0
        while True:
            number += 1
            with suppress(httpx.TransportError):
                await self._order(f"{name}-{number}")
            await asyncio.sleep(0.05)

    async def _order(self, key: str) -> None:
        quote = await self.client.get("/estimate", params=QUOTE)
        if self._served(quote):
            body = {"quote_id": quote.json()["quote_id"], "address": ADDRESSES["ETH"]}
            answer = await create(self.client, body | {"sandbox_ttl": 3600}, key)
            if self._served(answer):
                self.orders.append(answer.json()["order_id"])

    def _served(self, answer: httpx.Response) -> bool:
        if answer.is_success:
            return True
        if answer.status_code == 503 and int(answer.headers.get("Retry-After", "0")) > 0:
            self.unavailable += 1
        else:
            self.wrong.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return False

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

    async def refused(self) -> None:
        """Wait until the API has said a few times more that it cannot serve now."""
        wanted = self.unavailable + 3

        async def often_enough() -> bool:
            return self.unavailable >= wanted

        await wait_for(often_enough, seconds=PATIENCE_S)

    async def check(self, url: str, *, repeats_at_most: int | None = None) -> None:
        """Nothing that was acknowledged is missing from the database at `url`, or undelivered."""
        await self.harness.drained(seconds=120)
        ledgers = await self.harness.ledgers()
        print(f"{len(ledgers.published)} events, {len(ledgers.unsure)} in doubt,"
              f" {len(self.orders)} orders, {self.unavailable} times 503,"
              f" {ledgers.repeats} repeats")  # fmt: skip
        ledgers.check(repeats_at_most=repeats_at_most)
        assert self.wrong == []
        database = await asyncpg.connect(url)
        try:
            found = await database.fetch("SELECT id FROM orders")
            told = await database.fetch("SELECT DISTINCT order_id FROM event")
        finally:
            await database.close()
        assert set(self.orders) <= {row["id"] for row in found}
        assert set(self.orders) <= {row["order_id"] for row in told}


@asynccontextmanager
async def traffic(
    harness: Harness, hook: Hook, url: str, key: str, pause_s: float
) -> AsyncIterator[Traffic]:
    """Goes on for as long as the block runs: through the API at `url`, and to the hook."""
    async with (
        httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):
        made = Traffic(harness, hook, client, pause_s)
        running = [
            group.create_task(made.publishing()),
            *(group.create_task(made.ordering(name)) for name in ("one", "two")),
        ]
        await made.healthy()
        yield made
        for task in running:
            task.cancel()


@asynccontextmanager
async def through_programs(
    harness: Harness,
    settings: Settings,
    organization: uuid.UUID,
    *,
    pause_s: float = PAUSE_S,
    **more: str,
) -> AsyncIterator[tuple[Traffic, Program, Program]]:
    """Traffic through a server and a worker of its own; `more` are settings of both."""
    hook = await harness.hook("orders", delay_s=0.01)
    harness.env |= more
    worker = harness.worker()
    key = await mint(harness.ctx, organization, Environment.TEST)
    async with (
        api_process(settings, **(UNLIMITED | more)) as (url, server),
        traffic(harness, hook, url, key, pause_s) as running,
    ):
        yield running, server, worker
