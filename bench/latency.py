"""From the commit of an event to its first byte at the receiver; alone and beside a hanging one.

A `privata worker` process delivers; events are committed at a steady rate, one transaction each,
whatever the deliveries do (an open loop, so a stall is seen in all the events that it holds up).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench.harness import Harness
from bench.organizations import Partner, partner, publish_orders
from bench.report import REPEATS, Figure, Ratio, Row, percentile
from bench.timed_sink import SLOW_S, arrivals, timed_sink
from privata.core.ids import new_id
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.webhooks.signing.signatures import secret_context

PARTNERS = 8
SECONDS = 15
WARM_UP_S = 3
QUEUED = 10_000
NEIGHBOUR_RATE = 100
SLOW_ENDPOINTS = 500
SLOW_EVENTS = 12


async def run(harness: Harness) -> Row:
    """Latency at two rates."""
    slow = await _measure(harness, rate=200)
    fast = await _measure(harness, rate=1_000)
    return Row(
        f"Event committed to first byte at the receiver, {PARTNERS} endpoints, one worker",
        [
            Figure("200 events/s, p50", percentile(slow, 0.5), "ms", at_most=10),
            Figure("200 events/s, p95", percentile(slow, 0.95), "ms", at_most=50),
            Figure("200 events/s, p99", percentile(slow, 0.99), "ms"),
            Figure("1,000 events/s, p50", percentile(fast, 0.5), "ms"),
            Figure("1,000 events/s, p99", percentile(fast, 0.99), "ms", at_most=250),
        ],
    )


async def run_neighbour(harness: Harness) -> Row:
    """The others' latency while one endpoint answers nothing."""
    alone = percentile(await _measure(harness, rate=NEIGHBOUR_RATE), 0.99)
    beside = percentile(await _measure(harness, rate=NEIGHBOUR_RATE, queued=QUEUED), 0.99)
    return Row(
        f"One endpoint hangs with {QUEUED:,} queued; the others at {NEIGHBOUR_RATE} events/s",
        [
            Figure("p99 of the others, alone", alone, "ms"),
            Figure("p99 of the others, beside it", beside, "ms"),
        ],
        [Ratio("beside / alone (at most 2)", beside / alone)],
    )


async def run_slow(harness: Harness) -> Row:
    """The others' latency beside one organization with many slow but successful endpoints."""
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(REPEATS):
        alone += await _measure(harness, rate=NEIGHBOUR_RATE)
        beside += await _measure(harness, rate=NEIGHBOUR_RATE, slow=SLOW_ENDPOINTS)
    figures = [percentile(alone, 0.99), percentile(beside, 0.99)]
    return Row(
        f"One organization has {SLOW_ENDPOINTS} endpoints that answer after {SLOW_S} s and"
        f" {SLOW_EVENTS * SLOW_ENDPOINTS:,} queued; the others at {NEIGHBOUR_RATE} events/s",
        [
            Figure("p50 of the others, alone", percentile(alone, 0.5), "ms"),
            Figure("p50 of the others, beside it", percentile(beside, 0.5), "ms"),
            Figure("p99 of the others, alone", figures[0], "ms"),
            Figure("p99 of the others, beside it", figures[1], "ms"),
        ],
        [Ratio("beside / alone (at most 2)", figures[1] / figures[0])],
    )


async def _slow_organization(ctx: AppContext, port: int, endpoints: int) -> None:
    """One with so many endpoints, whatever its plan holds, each of which gets every event."""
    made = await partner(ctx, port, "slow")
    pool = ctx.database.pool
    secret = await pool.fetchrow("SELECT * FROM webhook_secret WHERE endpoint_id = $1",
                                 made.endpoint_id)  # fmt: skip
    assert secret is not None
    plain = ctx.sealer.unseal(secret["sealed"], secret_context(secret["id"]))
    ids, secrets = ([new_id() for _ in range(endpoints - 1)] for _ in range(2))
    sealed = [ctx.sealer.seal(plain, secret_context(one)) for one in secrets]
    await pool.execute(_MULTIPLY, made.endpoint_id, ids, secrets, sealed)
    await publish_orders(ctx, made, SLOW_EVENTS)


_MULTIPLY = """
WITH made AS (
    INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url)
    SELECT made.id, e.organization_id, e.environment, e.channel, e.alias, e.url
    FROM webhook_endpoint AS e CROSS JOIN unnest($2::uuid[]) AS made (id) WHERE e.id = $1
)
INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint)
SELECT e.organization_id, e.environment, s.id, s.endpoint_id, s.sealed, 'x'
FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS s (endpoint_id, id, sealed)
CROSS JOIN webhook_endpoint AS e WHERE e.id = $1
"""


async def _measure(harness: Harness, *, rate: int, queued: int = 0, slow: int = 0) -> list[float]:
    """Milliseconds of each event after the warm-up."""
    async with timed_sink() as port:
        with harness.database() as name:
            url = harness.app_url(name)
            settings = Settings(_env_file=None, home=harness.home, database_url=url)
            ctx = await AppContext.open(settings, url)
            try:
                partners = [await partner(ctx, port, f"hook/{n}") for n in range(PARTNERS)]
                if queued:
                    await publish_orders(ctx, await partner(ctx, port, "hang"), queued)
                if slow:
                    await _slow_organization(ctx, port, slow)
                async with _worker(harness, name):
                    committed = await _publish_steadily(ctx, partners, rate)
                    return await _latencies(port, committed, rate)
            finally:
                await ctx.close()


async def _publish_steadily(
    ctx: AppContext, partners: Sequence[Partner], rate: int
) -> list[tuple[str, float]]:
    """Every event with the moment at which its commit was known."""
    committed: list[tuple[str, float]] = []

    async def one(to: Partner) -> None:
        (event_id,) = await publish_orders(ctx, to, 1)
        committed.append((event_id, time.monotonic()))

    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(rate * (SECONDS + WARM_UP_S)):
            late = started + number / rate - time.monotonic()
            if late > 0:
                await asyncio.sleep(late)
            group.create_task(one(partners[number % len(partners)]))
    return committed


async def _latencies(port: int, committed: list[tuple[str, float]], rate: int) -> list[float]:
    async with asyncio.timeout(60):
        while True:
            seen = await arrivals(port)
            if all(event_id in seen for event_id, _ in committed):
                break
            await asyncio.sleep(0.2)
    measured = committed[rate * WARM_UP_S :]
    return [max(0.0, seen[event_id] - at) * 1000 for event_id, at in measured]


@asynccontextmanager
async def _worker(harness: Harness, name: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "privata", "worker", env=harness.environment(name)
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
