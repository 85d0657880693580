"""What only SimpleSwap does: answers with and without a wrapper, and two IDs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import cast

import pytest

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import AmountRefused, Refusal
from privata.providers.port import NO_MAXIMUM, QuoteRequest
from privata.providers.simpleswap.fake import FakeSimpleSwap
from privata.providers.simpleswap.tests.case import SIMPLESWAP, adapter
from privata.providers.tests.conformance.case import BTC, ETH, USDT, XRP, World, now, sell


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeSimpleSwap()
    one = adapter(await fake.start())
    try:
        yield World(SIMPLESWAP, fake, one)
    finally:
        await one.close()
        await fake.stop()


@pytest.mark.parametrize("wraps", [True, False])
async def test_answers_come_with_and_without_a_wrapper(world: World, wraps: bool) -> None:
    cast("FakeSimpleSwap", world.fake).wraps = wraps
    assert len(await world.adapter.currencies()) > 10
    assert await world.adapter.limits(BTC, USDT) is not None
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    order = await world.opened(world.order(rate_type="fixed", rate_id=offer.rate_id))
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.WAITING_DEPOSIT


async def test_an_order_in_a_wrapper(world: World) -> None:
    order = await world.opened()
    world.fake.changed["status"] = {
        "result": b'{"publicId":"%s","status":"exchanging","tickerFrom":"btc","networkFrom":"btc",'
        b'"tickerTo":"usdt","networkTo":"eth","addressFrom":"%s","addressTo":"%s"}'
        % (
            order.provider_order_id.encode(),
            order.agreed.deposit_address.encode(),
            order.agreed.payout_address.encode(),
        )
    }
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.EXCHANGING


async def test_the_public_id_counts_and_the_other_one_will_do(world: World) -> None:
    order = await world.opened()
    assert order.provider_order_id in world.fake.book
    world.fake.changed["create"] = {"result.publicId": b"null", "result.id": b'"only-one"'}
    assert (await world.opened()).provider_order_id == "only-one"


async def test_a_ticker_may_be_called_a_symbol(world: World) -> None:
    before = await world.adapter.currencies()
    world.fake.changed["currencies"] = {
        "result.0.ticker": b"null",
        "result.0.symbol": b'"btc"',
        "result.0.network": b'"btc"',
    }
    assert set(await world.adapter.currencies()) == set(before)


async def test_both_spellings_of_a_network_are_known(world: World) -> None:
    before = await world.adapter.currencies()
    place = [(one.ticker, one.network) for one in before].index(("USDT", "ERC20"))
    world.fake.changed["currencies"] = {f"result.{place}.network": b'"erc20"'}
    assert set(await world.adapter.currencies()) == set(before)
    await world.adapter.limits(BTC, USDT)
    assert world.fake.calls("limits")[-1].query["networkTo"] == "erc20"


async def test_a_maximum_of_null_is_none(world: World) -> None:
    world.fake.changed["limits"] = {"result.max": b"null"}
    limits = await world.adapter.limits(BTC, USDT)
    assert limits is not None
    assert limits.maximum == NO_MAXIMUM


async def test_the_limits_of_an_amount_to_receive(world: World) -> None:
    world.fake.changed["limits"] = {"result.min": b'"0.5"'}
    with pytest.raises(AmountRefused):
        await world.adapter.quote(QuoteRequest(BTC, USDT, Decimal(500), "receive", "fixed"))


async def test_memos_stand_in_the_order(world: World) -> None:
    request = world.order(source=ETH, target=XRP, amount=Decimal("0.05"))
    await world.opened(request)
    body = world.fake.calls("create")[-1].json()
    assert body["extraIdTo"] == request.payout_extra_id
    assert (body["amount"], body["fixed"], body["rateId"]) == ("0.05", False, None)


async def test_a_failed_order_with_a_deposit_needs_a_refund(world: World) -> None:
    order = await world.opened()
    assert (await world.adapter.get_order(order, now())).deposited is None
    world.fake.move(order.provider_order_id, "confirming")
    world.fake.move(order.provider_order_id, "failed")
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.REFUND_REQUIRED
    assert report.deposited == order.agreed.amount_from


async def test_a_floating_order_is_no_fixed_one(world: World) -> None:
    world.fake.changed["create"] = {"result.type": b'"floating"'}
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.create_order(world.order(rate_type="fixed"))
    assert raised.value.reason == Refusal.RATE
