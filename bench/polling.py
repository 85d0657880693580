"""One worker that polls the due orders of ten thousand organizations, alone and beside one that has
as many as all of them together, due for longer."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from uuid import UUID

import psycopg

from bench.harness import Harness
from bench.report import Figure, Ratio, Row, percentile
from privata.infra.context import AppContext
from privata.orders.following.poller import follow_orders

ORGANIZATIONS: Final = 10_000
BIG_ID: Final = UUID("00000000-0000-4000-8000-00000000000a")

#: How often it is looked how far the worker is, seconds.
LOOK_EVERY_S: Final = 0.2

_ORGANIZATIONS: Final = """
INSERT INTO organization (id, name, status)
SELECT CASE WHEN n = 0 THEN $2 ELSE gen_random_uuid() END, 'Bench ' || n, 'approved'
FROM generate_series(0, $1) AS n
"""

# Nothing happens to them for an hour: each is asked about once and then not due.
_ORDERS: Final = """
INSERT INTO orders (id, organization_id, environment, provider, provider_order_id, from_asset,
    from_network, from_decimals, to_asset, to_network, to_decimals, amount_from,
    amount_to_expected, rate_type, deposit_address, payout_address, sandbox_scenario, sandbox_ttl,
    expires_at, poll_at)
SELECT 'prv-' || gen_random_uuid(), o.id, 'test', 'simulator', 'p', 'BTC', 'BTC', 8, 'ETH', 'ETH',
    8, 1, 1, 'float', 'a', 'b', 'stuck', 3600, now() + interval '1 hour',
    now() - make_interval(secs => $3)
FROM organization AS o, generate_series(1, $2::int) AS n
WHERE (o.id = $1) = $4
"""

_LEFT: Final = """
SELECT count(*) FILTER (WHERE organization_id <> $1)::int AS small,
       count(*) FILTER (WHERE organization_id = $1)::int AS big
FROM orders WHERE poll_at <= now()
"""


async def run(harness: Harness) -> Row:
    """Until the last of ten thousand was asked about; and as many of one organization."""
    alone, _ = await _polled(harness, small=1, big=0)
    beside, taken = await _polled(harness, small=1, big=ORGANIZATIONS)
    single, _ = await _polled(harness, small=0, big=ORGANIZATIONS)
    return Row(
        f"One worker, {ORGANIZATIONS:,} organizations with one due order each",
        [
            Figure("until each was polled, alone", alone[-1], "s"),
            Figure(f"beside one with {ORGANIZATIONS:,} due for longer", beside[-1], "s"),
            Figure("of that one polled meanwhile", taken, "orders"),
            Figure("half of the others were polled after", percentile(beside, 0.5), "s"),
            Figure(f"until {ORGANIZATIONS:,} of one organization were polled", single[-1], "s"),
        ],
        [
            Ratio("beside the big one / alone", beside[-1] / alone[-1], 1.25),
            Ratio("of many organizations / of one", alone[-1] / single[-1], 1.5),
        ],
    )


async def _polled(harness: Harness, *, small: int, big: int) -> tuple[list[float], int]:
    """When each of those that are waited for was polled, seconds, to the nearest look; and how many
    of the big one were by the last."""
    async with harness.app_context() as ctx:
        await _fill(ctx, small, big)
        _analyzed(harness, ctx)
        worker = asyncio.create_task(follow_orders(ctx))
        started, found, left_of_big = time.perf_counter(), list[float](), big
        wanted = ORGANIZATIONS * small or big
        try:
            while len(found) < wanted:
                await asyncio.sleep(LOOK_EVERY_S)
                row = await ctx.database.pool.fetchrow(_LEFT, BIG_ID)
                assert row is not None
                left_of_big = row["big"]
                done = wanted - (row["small"] if small else left_of_big)
                found += [time.perf_counter() - started] * (done - len(found))
                if worker.done():
                    worker.result()
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        return found, big - left_of_big


async def _fill(ctx: AppContext, small: int, big: int) -> None:
    pool = ctx.database.pool
    await pool.execute(_ORGANIZATIONS, ORGANIZATIONS, BIG_ID, timeout=120)
    await pool.execute(_ORDERS, BIG_ID, small, 60.0, False, timeout=120)
    await pool.execute(_ORDERS, BIG_ID, big, 3600.0, True, timeout=120)


def _analyzed(harness: Harness, ctx: AppContext) -> None:
    """The statistics that the server gathers by itself after a minute."""
    name = ctx.database.url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(harness.admin_url(name), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) orders")
