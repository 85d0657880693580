"""Orders that complete, and what they earn in the same transaction."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import pytest

from privata.core.errors import AlreadyBooked
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.ledger.tests.books import earn, held
from privata.ledger.verify import verify
from privata.orders.service import advance
from privata.orders.tests.test_reading import Shop
from privata.providers.port import Report
from privata.refunds.review import decide

COMPLETED = Report(OrderStatus.COMPLETED)


@pytest.fixture
async def shop(ctx: AppContext) -> Shop:
    return await Shop(ctx, Environment.LIVE).open()


async def available(shop: Shop) -> Decimal:
    return (await held(shop.ctx, shop.scope.organization_id))[1]


async def test_a_live_order_earns_when_it_completes(shop: Shop) -> None:
    order_id = await shop.add(1, usd_value=Decimal(1000))
    await shop.ctx.database.pool.execute("UPDATE orders SET markup_bps = 25")
    for status in (OrderStatus.CONFIRMING, OrderStatus.SENDING):
        await advance(shop.ctx, order_id=order_id, report=Report(status))
        assert await available(shop) == 0
    await advance(shop.ctx, order_id=order_id, report=COMPLETED)
    assert await available(shop) == Decimal("4.5")
    verification = await verify(shop.ctx)
    assert (verification.findings, verification.notes, verification.entries) == ((), (), 1)


async def test_race_many_reports_earn_once(shop: Shop) -> None:
    order_ids = [await shop.add(number, usd_value=500) for number in range(5)]
    await asyncio.gather(
        *(
            advance(shop.ctx, order_id=order_id, report=COMPLETED)
            for order_id in order_ids
            for _ in range(6)
        )
    )
    assert await available(shop) == 5


@pytest.mark.parametrize("status", [OrderStatus.FAILED, OrderStatus.REFUND_REQUIRED])
async def test_other_ends_earn_nothing(shop: Shop, status: OrderStatus) -> None:
    order_id = await shop.add(1)
    await advance(shop.ctx, order_id=order_id, report=Report(status))
    assert await shop.ctx.database.pool.fetchval("SELECT count(*) FROM ledger_entry") == 0


async def test_test_orders_earn_nothing(ctx: AppContext) -> None:
    shop = await Shop(ctx, Environment.TEST).open()
    await advance(ctx, order_id=await shop.add(1), report=COMPLETED)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM ledger_entry") == 0
    assert (await verify(ctx)).notes == ()


async def test_an_order_that_the_operator_completes_earns(shop: Shop) -> None:
    order_id = await shop.add(1, status="manual_review", usd_value=500)
    await shop.ctx.database.pool.execute(
        "INSERT INTO order_timeline (organization_id, order_id, seq, status, at, source)"
        " SELECT organization_id, id, 1, 'manual_review', now(), 'clock' FROM orders WHERE id = $1",
        order_id,
    )
    await decide(
        shop.ctx, operator="ann", order_id=order_id, to=OrderStatus.COMPLETED, tx_hash="0xabc"
    )
    assert await available(shop) == 1


async def test_an_order_without_a_value_is_logged_and_noted(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    order_ids = {await shop.add(number, usd_value=None) for number in range(7)}
    with caplog.at_level(logging.WARNING, logger="privata.ledger"):
        for order_id in order_ids:
            await advance(shop.ctx, order_id=order_id, report=COMPLETED)
    assert sum("without a value in USD" in one.message for one in caplog.records) == 7
    verification = await verify(shop.ctx)
    assert verification.findings == ()
    (note,) = verification.notes
    assert (note.organization_id, note.many) == (shop.scope.organization_id, 7)
    assert len(note.named) == 5
    assert set(note.named) < order_ids


async def test_state_and_money_stand_or_fall_together(shop: Shop) -> None:
    order_id = await shop.add(1)
    await earn(shop.ctx, shop.scope.organization_id, "100", order_id=order_id)
    with pytest.raises(AlreadyBooked):
        await advance(shop.ctx, order_id=order_id, report=COMPLETED)
    pool = shop.ctx.database.pool
    assert await pool.fetchval("SELECT status FROM orders") == "waiting_deposit"
    assert await pool.fetchval("SELECT count(*) FROM event") == 0
