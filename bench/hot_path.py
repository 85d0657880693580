"""Statements per batch, and the way back from a pause with thousands of events."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg

from bench.harness import Harness
from bench.organizations import partner, publish_orders
from bench.report import Figure, Ratio, Row
from bench.sink import sink_process
from bench.timed_sink import arrivals, timed_sink
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import pause_endpoint
from privata.webhooks.engine.jobs import dispatch
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.recovery.resuming import resume_endpoint

EVENTS = 5_000
PACE_PER_S = 500


async def run_statements(harness: Harness) -> Row:
    """Counts what the dispatcher asks the database while it delivers without failures."""
    async with sink_process() as port, harness.app_context() as ctx:
        made = [await partner(ctx, port, f"hook/{n}") for n in range(8)]
        for to in made:
            await publish_orders(ctx, to, EVENTS // len(made))
        with _counted() as asked:
            async with _dispatching(ctx):
                await _drained(ctx)
    batches = asked["claim"]
    return Row(
        f"Statements of the dispatcher, {EVENTS:,} events",
        [
            Figure("claims that took something", batches, ""),
            Figure("all statements", asked.total(), ""),
            Figure("statements per batch", asked.total() / batches, "", at_most=3),
            Figure("deliveries per statement", EVENTS / asked.total(), ""),
        ],
    )


async def run_resume(harness: Harness) -> Row:
    """Pause, publish, resume; everything has to arrive, in order within each order."""
    async with timed_sink() as port, harness.app_context() as ctx:
        to = await partner(ctx, port, "hook")
        pace = "UPDATE webhook_endpoint SET pace_per_s = $1"
        await ctx.database.pool.execute(pace, PACE_PER_S)
        async with _dispatching(ctx):
            await pause_endpoint(ctx, actor=to.actor, endpoint_id=to.endpoint_id)
            await publish_orders(ctx, to, EVENTS // 4, per_order=4)
            started = time.monotonic()
            await resume_endpoint(ctx, actor=to.actor, endpoint_id=to.endpoint_id)
            await _drained(ctx)
            took = time.monotonic() - started
        seen = await arrivals(port)
    return Row(
        f"Pause, {EVENTS:,} events, resume at {PACE_PER_S}/s",
        [
            Figure("delivered", len(seen), ""),
            Figure("came before an earlier event of their order", _mixed(seen), "", at_most=0),
            Figure("until all were delivered", took, "s"),
        ],
        [Ratio("rate / pace (at most 1)", EVENTS / took / PACE_PER_S)],
    )


def _mixed(seen: Mapping[str, float]) -> int:
    """How many events came before an earlier one of their order. Ids are `<order>:<seq>`."""
    mixed, latest = 0, dict[str, tuple[int, float]]()
    for event_id, at in seen.items():
        order_id, _, seq = event_id.rpartition(":")
        before = latest.get(order_id, (0, 0.0))
        mixed += int(seq) < before[0] and at >= before[1]
        latest[order_id] = max(before, (int(seq), at))
    return mixed


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Count the statements of every `ReconnectingConnection`, by what they are for."""
    asked: Counter[str] = Counter()
    fetch = ReconnectingConnection.fetch

    async def counting(
        db: ReconnectingConnection, query: str, *arguments: Any
    ) -> list[asyncpg.Record]:
        rows = await fetch(db, query, *arguments)
        if "claimed AS" not in query:
            asked["other"] += 1
        else:
            asked["claim" if rows else "empty claim"] += 1
        return rows

    ReconnectingConnection.fetch = counting  # type: ignore[method-assign, assignment]
    try:
        yield asked
    finally:
        ReconnectingConnection.fetch = fetch  # type: ignore[method-assign]


@asynccontextmanager
async def _dispatching(ctx: AppContext) -> AsyncIterator[None]:
    task = asyncio.create_task(dispatch(ctx))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _drained(ctx: AppContext) -> None:
    while await ctx.database.pool.fetchval("SELECT EXISTS (SELECT FROM webhook_due)"):
        await asyncio.sleep(0.05)
