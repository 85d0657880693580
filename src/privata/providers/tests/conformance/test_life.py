"""The full life of an order at every provider, over real HTTP, against its fake."""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal

import pytest

from privata.core.addresses import validate_address
from privata.core.errors import ProviderError, ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers.currencies import CANONICAL
from privata.providers.failures import AmountRefused, Refusal
from privata.providers.fakes.exchange import FakeError
from privata.providers.port import MAX_MARKUP_BPS, OrderSnapshot, QuoteRequest, RateType
from privata.providers.tests.conformance.case import (
    ACCOUNT,
    BTC,
    ETH,
    KEY,
    SECRET,
    UNLISTED,
    USDT,
    XRP,
    World,
    now,
    refund_of,
    sell,
    without,
)

RATE_TYPES: tuple[RateType, ...] = ("float", "fixed")


async def test_lists_canonical_assets_only(world: World) -> None:
    listed = await world.adapter.currencies()
    assert set(listed) <= {one.asset for one in CANONICAL}
    assert {BTC, ETH, USDT} <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("rate_type", RATE_TYPES)
async def test_limits(world: World, rate_type: RateType) -> None:
    limits = await world.adapter.limits(BTC, USDT, rate_type)
    if rate_type not in world.case.rates:
        assert limits is None
        return
    assert limits is not None
    assert 0 < limits.minimum < limits.maximum
    assert await world.adapter.limits(BTC, UNLISTED, rate_type) is None
    assert await world.adapter.limits(BTC, BTC, rate_type) is None


@pytest.mark.parametrize("rate_type", RATE_TYPES)
async def test_a_quote_for_an_amount_to_send(world: World, rate_type: RateType) -> None:
    if await without(world, rate_type):
        return
    offer = await world.adapter.quote(sell("0.01", rate_type))
    assert offer.provider == world.case.name
    assert offer.amount_from == Decimal("0.01")
    assert 500 < offer.amount_to < 640
    assert offer.valid_until is None or offer.valid_until > now()


async def test_a_quote_for_an_amount_to_receive(world: World) -> None:
    for rate_type in world.case.reverse:
        request = QuoteRequest(BTC, USDT, Decimal(500), "receive", rate_type, "192.0.2.7")
        offer = await world.adapter.quote(request)
        assert offer.amount_to == 500
        assert Decimal("0.0078") < offer.amount_from < Decimal("0.0085")


async def test_an_amount_outside_the_limits_is_refused_with_them(world: World) -> None:
    for amount in ("0.00000001", "900"):
        with pytest.raises(AmountRefused) as refused:
            await world.adapter.quote(sell(amount))
        limits = refused.value.limits
        assert limits is None or 0 < limits.minimum < limits.maximum
    with pytest.raises(ProviderRefused) as unlisted:
        await world.adapter.quote(QuoteRequest(BTC, UNLISTED, Decimal(1), "send", "float"))
    assert unlisted.value.reason == Refusal.PAIR


@pytest.mark.parametrize("rate_type", RATE_TYPES)
async def test_an_order_is_opened_as_it_was_asked_for(world: World, rate_type: RateType) -> None:
    if await without(world, rate_type):
        return
    offer = await world.adapter.quote(sell("0.01", rate_type))
    for rate_id in {offer.rate_id, None}:
        request = world.order(rate_type=rate_type, amount_to=offer.amount_to, rate_id=rate_id)
        opened = await world.adapter.create_order(request)
        order = world.fake.book[opened.provider_order_id]
        assert (order.source, order.target, order.fixed) == (BTC, USDT, rate_type == "fixed")
        if rate_type not in world.case.amountless:
            assert order.amount_from == request.amount_from
        assert order.payout_address == request.payout_address
        assert order.refund_address in (request.refund_address, None)
        assert validate_address("BTC", opened.deposit_address).address == order.deposit_address
        assert opened.expires_at > request.created_at
        assert opened.amount_to is None or opened.amount_to >= offer.amount_to


async def test_a_markup_is_collected_or_not_asked_for(world: World) -> None:
    """What the provider collects is in its offer and in its order; others collect nothing."""
    most, usual = world.adapter.most_markup_bps, world.case.usual
    assert most in (0, MAX_MARKUP_BPS)
    plain = await world.adapter.quote(sell("0.01", usual))
    offer = await world.adapter.quote(replace(sell("0.01", usual), markup_bps=most))
    assert (plain.markup_bps, offer.markup_bps) == (0, most)
    kept = offer.amount_to / plain.amount_to
    assert abs(kept - (1 - Decimal(most) / 10_000)) < Decimal("0.0001")
    request = replace(
        world.order(rate_type=usual, amount_to=offer.amount_to, rate_id=offer.rate_id),
        markup_bps=most,
    )
    opened = await world.adapter.create_order(request)
    if usual not in world.case.amountless:
        there = world.fake.book[opened.provider_order_id]
        assert abs(there.amount_to - offer.amount_to) < Decimal("0.00001")


async def test_memos_go_both_ways(world: World) -> None:
    for source, target in ((XRP, ETH), (ETH, XRP)):
        amount = Decimal(200) if source == XRP else Decimal("0.05")
        least = Decimal("0.001")
        request = world.order(source=source, target=target, amount=amount, amount_to=least)
        opened = await world.adapter.create_order(request)
        order = world.fake.book[opened.provider_order_id]
        assert opened.deposit_extra_id == order.deposit_extra_id
        assert (opened.deposit_extra_id is not None) == (source == XRP)
        assert order.payout_extra_id == request.payout_extra_id


async def test_every_documented_status(world: World) -> None:
    for step in world.case.steps:
        order = await world.opened()
        world.fake.move(order.provider_order_id, step.word, **step.facts)
        report = await world.adapter.get_order(order, now())
        assert report.status is step.status, step
        assert (report.failed_reason is not None) == (step.status is OrderStatus.FAILED)
        assert report.amount_to_actual is None or step.status is OrderStatus.COMPLETED


async def test_the_straight_way_to_completion(world: World) -> None:
    order = await world.opened()
    seen = []
    for word in world.fake.straight:
        held = world.fake.move(order.provider_order_id, word)
        report = await world.adapter.get_order(order, now())
        seen.append(report.status)
        assert report.tx_in_hash in (held.tx_in, None)
    assert seen == sorted(seen, key=list(OrderStatus).index)
    assert seen[-1] is OrderStatus.COMPLETED
    assert report.tx_out_hash == held.tx_out
    assert report.amount_to_actual == held.sent


async def test_an_order_nobody_knows(world: World) -> None:
    order = await world.opened()
    del world.fake.book[order.provider_order_id]
    with pytest.raises(ProviderRefused) as refused:
        await world.adapter.get_order(order, now())
    assert refused.value.reason == Refusal.UNKNOWN_ORDER


async def test_every_documented_error(world: World) -> None:
    order = await world.opened()
    for error in world.case.errors:
        world.fake.errors[error.call] = [FakeError(error.status, error.body)]
        with pytest.raises(ProviderError) as raised:
            await _make(world, error.call, order)
        assert raised.value.reason == error.reason, error
        assert world.fake.errors[error.call] == [], error


async def _make(world: World, call: str, order: OrderSnapshot) -> object:
    usual = world.case.usual
    calls = {
        "currencies": world.adapter.currencies,
        "limits": lambda: world.adapter.limits(BTC, USDT),
        "quote": lambda: world.adapter.quote(sell("0.01", usual)),
        "create": lambda: world.adapter.create_order(world.order(rate_type=usual)),
        "status": lambda: world.adapter.get_order(order, now()),
        "refund": lambda: world.adapter.refund(refund_of(order), now()),
    }
    return await calls[call]()  # type: ignore[operator]


async def test_a_refund_is_asked_for_once(world: World) -> None:
    request = replace(world.order(), refund_address=None, refund_extra_id=None)
    order = await world.opened(request)
    if world.adapter.refunds.capability != "programmatic":
        with pytest.raises(ProviderRefused):
            await world.adapter.refund(refund_of(order), now())
        assert world.fake.calls("refund") == []
        return
    step, finish = world.case.refund_required, world.case.finish_refund
    assert step is not None
    assert finish is not None
    with pytest.raises(ProviderRefused):
        await world.adapter.refund(refund_of(order), now())
    world.fake.move(order.provider_order_id, step.word, **step.facts)
    with pytest.raises(ProviderRefused):
        await world.adapter.refund(refund_of(order, converts=True), now())
    assert world.fake.calls("refund") == []
    taken = await world.adapter.refund(refund_of(order), now())
    for _ in range(2):
        again = await world.adapter.refund(refund_of(order, accepted=True), now())
        assert again.done == taken.done
    assert len(world.fake.calls("refund")) == 1
    finish(world.fake, order.provider_order_id)
    done = await world.adapter.refund(refund_of(order, accepted=True), now())
    assert done.done
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.REFUNDED
    assert report.tx_out_hash == done.tx_hash
    assert len(world.fake.calls("refund")) == 1


async def test_credentials_go_to_the_provider_and_nowhere_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    order = await world.opened()
    await world.adapter.get_order(order, now())
    for seen in world.fake.seen:
        world.case.authorized(seen)
    secrets = {KEY, SECRET, ACCOUNT, order.agreed.payout_address}
    if order.secret is not None:
        secrets |= set(order.secret.values.values())
        assert not any(value in repr(order) for value in order.secret.values.values())
    assert not any(secret in caplog.text for secret in secrets)
    assert world.adapter.environment is Environment.LIVE
