"""The id of an order's event is decided by order and status, not by the moment."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

from conftest import Cluster
from privata.core.clock import ManualClock, SystemClock
from privata.core.lifecycle import OrderStatus
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.orders.service import advance
from privata.orders.tests.test_advance import make_order
from privata.providers.port import Report


async def test_what_happens_again_after_a_restore_is_told_under_the_same_ids(
    cluster: Cluster, settings: Settings, database_name: str
) -> None:
    """100 of 110 webhooks had come again with another id for the same order and status."""
    organization = uuid.uuid4()
    ctx = await AppContext.open(settings, cluster.app(database_name))
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Acme', 'approved')", organization
    )
    order_id = await make_order(ctx, organization)
    await ctx.close()
    told = []
    for hours in (0, 5):
        # The same backup, twice: what happened after it happens again at another time.
        restored = replace(cluster, template=database_name).copy()
        ctx = await AppContext.open(settings, cluster.app(restored))
        clock = ManualClock(SystemClock().now() + timedelta(hours=hours))
        await advance(
            replace(ctx, clock=clock),
            order_id=order_id,
            report=Report(OrderStatus.COMPLETED),
            source="provider",
        )
        told.append(await ctx.database.pool.fetch("SELECT event_id, order_seq, body FROM event"))
        await ctx.close()
        cluster.drop(restored)
    first, second = ([(row["event_id"], row["order_seq"]) for row in rows] for rows in told)
    assert len(first) == 5
    assert first == second
    assert told[0][4]["body"] != told[1][4]["body"], "the clock did not move"
