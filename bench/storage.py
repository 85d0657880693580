"""What an order takes on the disk: rows, events, their deliveries and attempts, all indexes.

Orders are made and moved by the code that makes and moves them in service, and their webhooks are
really sent, so that bodies, answers and what updates leave behind have their true sizes. Bytes do
not depend on the machine.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from bench.harness import Harness
from bench.organizations import Partner, partner
from bench.report import Figure, Row
from bench.sink import sink_process
from privata.core.ids import new_quote_id
from privata.core.lifecycle import OrderStatus
from privata.infra.context import AppContext
from privata.orders import create
from privata.orders.service import advance
from privata.providers.port import Report
from privata.webhooks.engine.jobs import dispatch

ORDERS: Final = 5_000

#: Orders that are made or moved at the same moment.
AT_ONCE: Final = 8

#: Half of what the same orders took before bodies were compressed.
AT_MOST_BYTES: Final = 9_980

#: The path of an order whose deposit arrives.
_STEPS: Final = (
    OrderStatus.CONFIRMING,
    OrderStatus.EXCHANGING,
    OrderStatus.SENDING,
    OrderStatus.COMPLETED,
)

_ETH: Final = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

_QUOTE: Final = """
INSERT INTO quote (id, organization_id, environment, provider, from_asset, from_network, to_asset,
                   to_network, amount_from, amount_to, side, rate_type, usd_value, expires_at)
VALUES ($1, $2, 'test', 'simulator', 'BTC', 'BTC', 'ETH', 'ETH', $3, 20.0625, 'send', 'float',
        64000.5, now() + interval '1 hour')
"""

#: Holds what waits at the moment, so it is weighed, but it does not grow with the orders.
_PASSING: Final = "webhook_due"

#: Tables that grow with orders, each with its partitions, its indexes and what lies out of line.
_SIZES: Final = """
SELECT coalesce(parent.relname, c.relname) AS name, sum(pg_table_size(c.oid))::bigint AS rows,
       sum(pg_indexes_size(c.oid))::bigint AS indexes
FROM pg_class AS c
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_class AS parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
  AND coalesce(parent.relname, c.relname) = ANY ($1)
GROUP BY 1 ORDER BY 2 DESC
"""

_TABLES: Final = (
    "orders",
    "order_timeline",
    "event",
    "event_key",
    _PASSING,
    "webhook_delivery",
    "webhook_attempt",
)


async def run(harness: Harness) -> Row:
    """Make the orders, wait until all is delivered, and weigh the tables."""
    async with sink_process() as port, harness.app_context() as ctx:
        to = await partner(ctx, port, "hook")
        sending = asyncio.create_task(dispatch(ctx))
        try:
            await make_orders(ctx, to, ORDERS)
            await _drained(ctx)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        sizes = await ctx.database.pool.fetch(_SIZES, list(_TABLES))
    return Row(f"On the disk for each of {ORDERS:,} orders, with 5 events delivered", _shown(sizes))


async def make_orders(ctx: AppContext, to: Partner, count: int) -> None:
    """So many completed orders of a partner, `AT_ONCE` at a time."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await _order(ctx, to, number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


async def _order(ctx: AppContext, to: Partner, number: int) -> None:
    quote_id = new_quote_id()
    amount = f"{random.uniform(0.1, 2):.8f}"  # an amount like any other
    await ctx.database.pool.execute(_QUOTE, quote_id, to.organization_id, amount)
    wanted = create.NewOrder(
        quote_id=quote_id,
        address=_ETH,
        refund_address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        partner_order_ref=f"checkout-{number:08}",
    )
    await create.create_order(ctx, actor=to.actor, wanted=wanted)
    order_id = await ctx.database.pool.fetchval(
        "SELECT id FROM orders WHERE quote_id = $1", quote_id
    )
    for status in _STEPS:
        report = Report(status, tx_in_hash=random.randbytes(32).hex())  # no secret
        await advance(ctx, order_id=order_id, report=report)


async def _drained(ctx: AppContext) -> None:
    waiting = "SELECT EXISTS (SELECT FROM webhook_due)"
    while await ctx.database.pool.fetchval(waiting):
        await asyncio.sleep(0.2)


def _shown(sizes: Sequence[asyncpg.Record]) -> list[Figure]:
    figures, total = [], 0
    for row in sizes:
        if row["name"] != _PASSING:
            total += row["rows"] + row["indexes"]
        figures.append(Figure(f"{row['name']}: rows", row["rows"] / ORDERS, "B"))
        figures.append(Figure(f"{row['name']}: indexes", row["indexes"] / ORDERS, "B"))
    whole = Figure("all", total / ORDERS, "B", at_most=AT_MOST_BYTES)
    return [whole, *figures]
