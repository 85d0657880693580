"""What only Godex does: default networks, and rates of which nobody knows whether they hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import AmountRefused, Refusal
from privata.providers.godex.fake import FakeGodex
from privata.providers.godex.tests.case import GODEX, adapter
from privata.providers.port import QuoteRequest
from privata.providers.tests.conformance.case import BTC, USDT, World, now, sell


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeGodex()
    one = adapter(await fake.start(), locks_rate=True)
    try:
        yield World(GODEX, fake, one)
    finally:
        await one.close()
        await fake.stop()


@pytest.mark.parametrize("raw", [b'[{"network":"TRX"}]', b"[]", b"null"])
async def test_a_price_on_another_network_is_no_price(world: World, raw: bytes) -> None:
    world.fake.changed["quote"] = {"networks_to": raw}
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.quote(sell())
    assert raised.value.reason == Refusal.PAIR
    assert await world.adapter.limits(BTC, USDT) is None


async def test_no_order_for_a_network_that_is_not_swapped(world: World) -> None:
    world.fake.changed["quote"] = {"networks_from": b"[]"}
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.create_order(world.order())
    assert raised.value.reason == Refusal.PAIR
    assert world.fake.calls("create") == []


async def test_networks_are_asked_for_once(world: World) -> None:
    await world.adapter.quote(sell())
    await world.opened()
    await world.opened()
    assert len(world.fake.calls("quote")) == 1


async def test_the_bounds_of_an_amount_to_receive_are_no_limits(world: World) -> None:
    request = QuoteRequest(BTC, USDT, Decimal(1), "receive", "float")
    with pytest.raises(AmountRefused) as raised:
        await world.adapter.quote(request)
    assert raised.value.limits is None


async def test_a_locked_rate_that_became_worse_is_refused(world: World) -> None:
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    world.fake.spread = Decimal("0.2")
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.create_order(world.order(rate_type="fixed", amount_to=offer.amount_to))
    assert raised.value.reason == Refusal.RATE


async def test_a_refund_that_is_on_its_way_needs_no_choice(world: World) -> None:
    order = await world.opened()
    world.fake.move(order.provider_order_id, "refund")
    report = await world.adapter.get_order(order, now())
    assert (report.status, report.refund_under_way) == (OrderStatus.REFUND_REQUIRED, True)
    world.fake.move(order.provider_order_id, "overdue")
    assert not (await world.adapter.get_order(order, now())).refund_under_way


async def test_networks_may_be_absent_in_an_order(world: World) -> None:
    nothing = {"coin_from_network": b"null", "coin_to_network": b"null"}
    world.fake.changed = {"create": nothing, "status": nothing}
    order = await world.opened()
    world.fake.move(order.provider_order_id, "success")
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.COMPLETED


async def test_a_coin_that_is_disabled_is_not_listed(world: World) -> None:
    before = await world.adapter.currencies()
    world.fake.changed["currencies"] = {"0.disabled": b"1", "1.networks.0.is_active": b"0"}
    after = await world.adapter.currencies()
    assert len(before) - len(after) == 2
