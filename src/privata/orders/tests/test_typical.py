"""How long a state usually takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from privata.core.clock import ManualClock
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Actor, ActorKind
from privata.infra.context import AppContext
from privata.orders import typical
from privata.orders.tests.test_reading import NOW, Shop

_STEPS = ("waiting_deposit", "confirming", "exchanging", "sending", "completed")


@pytest.fixture
async def shop(ctx: AppContext) -> Shop:
    return await Shop(replace(ctx, clock=ManualClock(NOW))).open()


async def completed(
    shop: Shop, number: int, seconds: int, *, minutes: float | None = None, **changes: str
) -> None:
    """An order whose states took `seconds` each."""
    order_id = await shop.add(number, status="completed", minutes=minutes, **changes)
    await shop.ctx.database.pool.executemany(
        "INSERT INTO order_timeline (organization_id, order_id, seq, status, at, source)"
        " SELECT organization_id, id, $2, $3, $4, 'provider' FROM orders WHERE id = $1",
        [
            (order_id, n + 1, status, NOW + timedelta(seconds=n * seconds))
            for n, status in enumerate(_STEPS)
        ],
    )


async def usual(shop: Shop) -> typical.Usual | None:
    scope = shop.scope
    actor = Actor(ActorKind.USER, "1", "a", scope.organization_id, scope.environment)
    return await typical.usual_time(
        shop.ctx,
        actor=actor,
        status=OrderStatus.EXCHANGING,
        provider="simulator",
        source="BTC",
    )


async def test_it_is_the_middle_half_of_similar_orders(shop: Shop) -> None:
    for n in range(typical.LEAST - 1):
        await completed(shop, n + 1, 100 + n)
        await completed(shop, n + 1, 9_000, from_asset="XMR")
        await completed(shop, n + 1, 9_000, provider="exolix")
        await completed(shop, n + 1, 9_000, minutes=60 * 24 * 31)
    assert await usual(shop) is None
    await completed(shop, 99, 109)
    found = await usual(shop)
    assert found is not None
    assert 100 < found.low < found.high < 110
    assert not found.is_late(typical.LATE * found.high)
    assert found.is_late(typical.LATE * found.high + 1)


async def test_others_orders_say_nothing(ctx: AppContext, shop: Shop) -> None:
    other = await Shop(shop.ctx).open()
    for n in range(typical.LEAST):
        await completed(other, n + 1, 100)
    assert await usual(shop) is None
