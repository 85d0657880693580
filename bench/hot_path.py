"""Statements per batch, and the way back from a pause with thousands of events."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg

from bench.organizations import partner, publish_orders
from bench.report import Figure, Ratio, Row
from bench.sink import sink_process
from bench.stage import Stage
from bench.timed_sink import arrivals, timed_sink
from privata.infra.kernel import Kernel
from privata.webhooks.endpoints.service import pause_endpoint
from privata.webhooks.engine.jobs import dispatch
from privata.webhooks.engine.reconnecting import Line
from privata.webhooks.recovery.resuming import resume_endpoint

EVENTS = 5_000
PACE_PER_S = 500


async def run_statements(stage: Stage) -> Row:
    """Counts what the dispatcher asks the database while it delivers without failures."""
    async with sink_process() as port, stage.kernel() as kernel:
        made = [await partner(kernel, port, f"hook/{n}") for n in range(8)]
        for to in made:
            await publish_orders(kernel, to, EVENTS // len(made))
        with _counted() as asked:
            async with _dispatching(kernel):
                await _drained(kernel)
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


async def run_resume(stage: Stage) -> Row:
    """Pause, publish, resume; everything has to arrive, in order within each order."""
    async with timed_sink() as port, stage.kernel() as kernel:
        to = await partner(kernel, port, "hook")
        pace = "UPDATE webhook_endpoint SET pace_per_s = $1"
        await kernel.database.pool.execute(pace, PACE_PER_S)
        async with _dispatching(kernel):
            await pause_endpoint(kernel, actor=to.actor, endpoint_id=to.endpoint_id)
            await publish_orders(kernel, to, EVENTS // 4, per_order=4)
            started = time.monotonic()
            await resume_endpoint(kernel, actor=to.actor, endpoint_id=to.endpoint_id)
            await _drained(kernel)
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
    """Count the statements of every `Line`, by what they are for."""
    asked: Counter[str] = Counter()
    fetch = Line.fetch

    async def counting(line: Line, query: str, *arguments: Any) -> list[asyncpg.Record]:
        rows = await fetch(line, query, *arguments)
        if "claimed AS" not in query:
            asked["other"] += 1
        else:
            asked["claim" if rows else "empty claim"] += 1
        return rows

    Line.fetch = counting  # type: ignore[method-assign, assignment]
    try:
        yield asked
    finally:
        Line.fetch = fetch  # type: ignore[method-assign]


@asynccontextmanager
async def _dispatching(kernel: Kernel) -> AsyncIterator[None]:
    task = asyncio.create_task(dispatch(kernel))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _drained(kernel: Kernel) -> None:
    while await kernel.database.pool.fetchval(
        "SELECT EXISTS (SELECT FROM webhook_delivery WHERE status = 'pending')"
    ):
        await asyncio.sleep(0.05)
