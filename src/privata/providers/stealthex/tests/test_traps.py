"""What only StealthEX does: a list in pages, `mainnet` for every coin, limits in another call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from aiohttp import web

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import AmountRefused, Fault, Refusal
from privata.providers.fakes.exchange import FakeError
from privata.providers.port import QuoteRequest
from privata.providers.stealthex.config import StealthExSettings
from privata.providers.stealthex.fake import FakeStealthEx
from privata.providers.stealthex.tests.case import STEALTHEX, adapter
from privata.providers.tests.conformance.case import BTC, ETH, USDT, World, now, sell


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeStealthEx()
    one = adapter(await fake.start(), page=4)
    try:
        yield World(STEALTHEX, fake, one)
    finally:
        await one.close()
        await fake.stop()


async def test_the_list_comes_in_pages(world: World) -> None:
    listed = await world.adapter.currencies()
    calls = world.fake.calls("currencies")
    assert [one.query["offset"] for one in calls] == [str(4 * at) for at in range(len(calls))]
    assert 4 * (len(calls) - 1) <= len(listed) < 4 * len(calls)


class _Endless(FakeStealthEx):
    """A list of which every page is full."""

    async def currencies(self, request: web.Request) -> object:
        return [{"symbol": "btc", "network": "mainnet"}] * int(request.query["limit"])


async def test_a_list_without_an_end_ends() -> None:
    fake = _Endless()
    one = adapter(await fake.start(), page=4)
    try:
        assert await one.currencies() == (BTC,)
        assert len(fake.calls("currencies")) == StealthExSettings().pages
    finally:
        await one.close()
        await fake.stop()


async def test_a_coin_is_on_mainnet_and_a_token_is_not(world: World) -> None:
    await world.opened(world.order(source=ETH, target=USDT, amount=Decimal("0.05")))
    assert world.fake.calls("create")[-1].json()["route"] == {
        "from": {"symbol": "eth", "network": "mainnet"},
        "to": {"symbol": "usdt", "network": "eth"},
    }


async def test_amounts_go_out_as_numbers(world: World) -> None:
    await world.adapter.quote(sell("0.01"))
    assert b'"amount":0.01' in world.fake.calls("quote")[-1].body


async def test_an_unknown_error_of_a_good_amount_is_no_refusal(world: World) -> None:
    world.fake.errors["quote"] = [FakeError(400, {"err": {"kind": "AmountOutOfRange"}})]
    with pytest.raises(ProviderUnavailable) as raised:
        await world.adapter.quote(sell())
    assert raised.value.reason == Fault.UNKNOWN_ERROR


async def test_a_price_without_limits_is_none(world: World) -> None:
    world.fake.errors["limits"] = [FakeError(404, {"err": {"kind": "NoPair"}})]
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.quote(sell())
    assert raised.value.reason == Refusal.PAIR


async def test_the_limits_of_an_amount_to_receive(world: World) -> None:
    world.fake.changed["limits"] = {"min_amount": b"0.5"}
    with pytest.raises(AmountRefused) as raised:
        await world.adapter.quote(QuoteRequest(BTC, USDT, Decimal(500), "receive", "fixed"))
    assert raised.value.limits is not None
    assert raised.value.limits.minimum == Decimal("0.5")


async def test_a_failed_order_with_a_deposit_needs_a_refund(world: World) -> None:
    order = await world.opened()
    world.fake.move(order.provider_order_id, "confirming")
    world.fake.move(order.provider_order_id, "failed")
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.REFUND_REQUIRED
    assert report.deposited == order.agreed.amount_from


async def test_nothing_is_deposited_before_there_is_a_hash(world: World) -> None:
    order = await world.opened()
    assert (await world.adapter.get_order(order, now())).deposited is None


async def test_a_floating_order_is_no_fixed_one(world: World) -> None:
    world.fake.changed["create"] = {"rate": b'"floating"'}
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.create_order(world.order(rate_type="fixed"))
    assert raised.value.reason == Refusal.RATE
