"""What only LetsExchange does: two units of time, a local clock, and suspicions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import AmountRefused, Fault, Refusal
from privata.providers.letsexchange.fake import FakeLetsExchange
from privata.providers.letsexchange.tests.case import LETSEXCHANGE, adapter
from privata.providers.port import NO_MAXIMUM, QuoteRequest
from privata.providers.tests.conformance.case import BTC, ETH, USDT, World, now, sell


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeLetsExchange()
    one = adapter(await fake.start())
    try:
        yield World(LETSEXCHANGE, fake, one)
    finally:
        await one.close()
        await fake.stop()


async def test_a_price_ends_in_milliseconds_and_an_order_in_seconds(world: World) -> None:
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    assert offer.valid_until is not None
    assert timedelta(minutes=9) < offer.valid_until - now() < timedelta(minutes=11)
    order = await world.opened(world.order(rate_type="fixed", rate_id=offer.rate_id))
    assert timedelta(minutes=29) < order.expires_at - now() < timedelta(minutes=31)


@pytest.mark.parametrize(
    ("raw", "year"),
    [(b'"1785333936912"', 2026), (b"1785333936912", 2026), (b"1785333936", 2026), (b"0", None)],
)
async def test_the_size_of_a_moment_says_its_unit(
    world: World, raw: bytes, year: int | None
) -> None:
    world.fake.changed["quote"] = {"expired_at": raw, "rate_id_expired_at": b"0"}
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    assert (offer.valid_until and offer.valid_until.year) == year


async def test_a_moment_that_is_none(world: World) -> None:
    world.fake.changed["create"] = {"expired_at": b"1e28"}
    with pytest.raises(ProviderUnavailable) as raised:
        await world.adapter.create_order(world.order())
    assert raised.value.reason in (Fault.MOMENT, Fault.NUMBER)
    world.fake.changed["create"] = {"expired_at": b"1785335671"}
    with pytest.raises(ProviderUnavailable) as past:
        await world.adapter.create_order(world.order())
    assert past.value.reason == Fault.MOMENT


async def test_its_local_time_counts_for_nothing(world: World) -> None:
    nonsense = {"created_at": b'"2199-13-45 99:00:00"'}
    world.fake.changed = {"create": nonsense, "status": nonsense}
    order = await world.opened()
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.WAITING_DEPOSIT


async def test_a_refund_is_done_when_it_has_a_hash(world: World) -> None:
    order = await world.opened()
    world.fake.move(order.provider_order_id, "refund")
    report = await world.adapter.get_order(order, now())
    assert (report.status, report.refund_under_way) == (OrderStatus.REFUND_REQUIRED, True)
    cast("FakeLetsExchange", world.fake).finish_refund(order.provider_order_id)
    report = await world.adapter.get_order(order, now())
    assert (report.status, report.refund_under_way) == (OrderStatus.REFUNDED, False)
    assert report.tx_out_hash == world.fake.book[order.provider_order_id].tx_refund


async def test_limits_are_those_of_the_deposit(world: World) -> None:
    with pytest.raises(AmountRefused) as raised:
        await world.adapter.quote(QuoteRequest(BTC, USDT, Decimal(1), "receive", "fixed"))
    assert raised.value.limits is not None
    assert raised.value.limits.minimum < 1
    world.fake.changed["quote"] = {"deposit_max_amount": b'"0"'}
    limits = await world.adapter.limits(BTC, USDT)
    assert limits is not None
    assert limits.maximum == NO_MAXIMUM


async def test_a_floating_order_is_no_fixed_one(world: World) -> None:
    world.fake.changed["create"] = {"is_float": b"true"}
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.create_order(world.order(rate_type="fixed"))
    assert raised.value.reason == Refusal.RATE


async def test_native_coins_have_another_network_than_tokens(world: World) -> None:
    await world.opened(world.order(source=ETH, target=USDT, amount=Decimal("0.05")))
    body = world.fake.calls("create")[-1].json()
    assert (body["network_from"], body["network_to"]) == ("ETH", "ERC20")


async def test_a_coin_and_its_network_are_both_active(world: World) -> None:
    before = await world.adapter.currencies()
    world.fake.changed["currencies"] = {"0.is_active": b"0", "2.networks.0.is_active": b"0"}
    after = await world.adapter.currencies()
    assert len(before) - len(after) == 2
