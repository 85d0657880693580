"""Answers that fit the wire format and not the truth: none of them gets through."""

from __future__ import annotations

import json
import logging
from decimal import Decimal

import pytest

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.tests.conformance.case import (
    USDT,
    World,
    address,
    now,
    sell,
    without,
)

NO_AMOUNTS = (
    b"1e400",
    b"-1",
    b"1e-400",
    b'"1e400"',
    b'"NaN"',
    b'"-Infinity"',
    b'"1_000"',
    b'" 1"',
    b'"abc"',
    b"{}",
    b"[1]",
    b"true",
    b'"\\u0663"',
    b"1" * 65,
    b"1e999999999999999999999",
)

MARKED_UP = json.dumps("<img src=x onerror=alert(1)>").encode()
LONG = json.dumps("a" * 5000).encode()


@pytest.mark.parametrize("raw", NO_AMOUNTS)
async def test_an_amount_that_is_none(world: World, raw: bytes) -> None:
    world.change("quote", "amount_to", raw)
    with pytest.raises(ProviderUnavailable) as raised:
        await world.adapter.quote(sell("0.01", world.case.usual))
    assert raised.value.reason in (Fault.NUMBER, Fault.SHAPE)


async def test_amounts_come_in_every_form(world: World) -> None:
    for raw in (b"600", b'"600"', b"6e2", b'"6.0E+2"', b"600.000000000000000000000000"):
        world.change("quote", "amount_to", raw)
        world.fake.changed["quote"]["somethingNew"] = b'{"a":[null]}'
        assert (await world.adapter.quote(sell("0.01", world.case.usual))).amount_to == 600
    world.change("quote", "amount_to", b"1e-7")
    with pytest.raises(ProviderUnavailable) as raised:
        # Less than the asset's decimals hold is nothing, and nothing is no offer.
        await world.adapter.quote(sell("0.01", world.case.usual))
    assert raised.value.reason == Fault.AMOUNT


async def test_an_amount_that_is_missing(world: World) -> None:
    for raw in (b"null", b'""'):
        world.change("quote", "amount_to", raw)
        with pytest.raises(ProviderUnavailable) as raised:
            await world.adapter.quote(sell("0.01", world.case.usual))
        assert raised.value.reason == Fault.SHAPE


async def test_a_quote_for_something_else(world: World) -> None:
    for meaning, raw, fault in (
        ("currency_to", b'"doge"', Fault.CURRENCY),
        ("amount_from", b"0.5", Fault.AMOUNT),
    ):
        if world.has("quote", meaning):
            world.change("quote", meaning, raw)
            with pytest.raises(ProviderUnavailable) as raised:
                await world.adapter.quote(sell("0.01", world.case.usual))
            assert raised.value.reason == fault
            world.fake.changed.clear()


async def test_a_deposit_address_of_another_network(world: World) -> None:
    other = json.dumps(address(USDT, "elsewhere")[0]).encode()
    for raw in (other, b'"bc1qPAYIN"', MARKED_UP, LONG, b"null", b"{}"):
        world.change("create", "deposit_address", raw)
        with pytest.raises(ProviderUnavailable) as raised:
            await world.adapter.create_order(world.order(rate_type=world.case.usual))
        assert raised.value.reason in (Fault.DEPOSIT_ADDRESS, Fault.TEXT, Fault.SHAPE)


async def test_an_order_for_something_else(world: World) -> None:
    elsewhere = json.dumps(address(USDT, "elsewhere")[0]).encode()
    for meaning, raw, fault in (
        ("payout_address", elsewhere, Fault.PAYOUT_ADDRESS),
        ("payout_address", MARKED_UP, Fault.PAYOUT_ADDRESS),
        ("currency_to", b'"doge"', Fault.CURRENCY),
        ("amount_from", b"0.5", Fault.AMOUNT),
        ("amount_to", b"1e400", Fault.NUMBER),
        ("amount_to", b"0", Fault.AMOUNT),
        ("id", MARKED_UP, Fault.TEXT),
        ("id", b'"../../other"', Fault.TEXT),
        ("id", LONG, Fault.TEXT),
    ):
        if world.has("create", meaning):
            world.change("create", meaning, raw)
            with pytest.raises(ProviderUnavailable) as raised:
                await world.adapter.create_order(world.order(rate_type=world.case.usual))
            assert raised.value.reason == fault, (meaning, raw)
            world.fake.changed.clear()


async def test_a_fixed_rate_that_became_worse_is_refused(world: World) -> None:
    if await without(world, "fixed"):
        return
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    world.fake.spread = Decimal("0.2")
    request = world.order(rate_type="fixed", amount_to=offer.amount_to, rate_id=None)
    with pytest.raises(ProviderRefused) as refused:
        await world.adapter.create_order(request)
    assert refused.value.reason == Refusal.RATE


async def test_an_answer_about_another_order(world: World) -> None:
    order = await world.opened()
    other = await world.opened()
    world.fake.move(other.provider_order_id, world.fake.straight[-1])
    world.change("status", "id", json.dumps(other.provider_order_id).encode())
    with pytest.raises(ProviderUnavailable) as raised:
        await world.adapter.get_order(order, now())
    assert raised.value.reason == Fault.OTHER_ORDER


async def test_a_report_with_another_payout_needs_a_person(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    order = await world.opened()
    world.fake.move(order.provider_order_id, world.fake.straight[-1])
    elsewhere = json.dumps(address(USDT, "elsewhere")[0]).encode()
    for meaning, raw in (("payout_address", elsewhere), ("currency_to", b'"doge"')):
        if world.has("status", meaning):
            world.change("status", meaning, raw)
            report = await world.adapter.get_order(order, now())
            assert report.status is OrderStatus.MANUAL_REVIEW
            assert report.amount_to_actual is None
            assert report.tx_out_hash is None
            assert "another" in caplog.text
            world.fake.changed.clear()
            caplog.clear()


async def test_an_unknown_status_needs_a_person_and_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    order = await world.opened()
    for raw in (b'"teleporting"', b'"<script>"', b'"FINISHED_MAYBE"'):
        world.change("status", "status", raw)
        caplog.clear()
        report = await world.adapter.get_order(order, now())
        assert report.status is OrderStatus.MANUAL_REVIEW
        assert "unknown status" in caplog.text


async def test_a_report_with_nonsense_is_refused(world: World) -> None:
    order = await world.opened()
    world.fake.move(order.provider_order_id, world.fake.straight[-1])
    for meaning, raw, fault in (
        ("tx_out", MARKED_UP, Fault.TX_HASH),
        ("tx_in", MARKED_UP, Fault.TX_HASH),
        ("tx_out", b'"javascript:alert(1)//aaaaaaaaaaaaaaaa"', Fault.TX_HASH),
        ("tx_out", LONG, Fault.TEXT),
        ("amount_to", b"1e400", Fault.NUMBER),
        ("amount_to", b"-5", Fault.NUMBER),
        ("status", b"{}", Fault.SHAPE),
        ("status", LONG, Fault.TEXT),
    ):
        if world.has("status", meaning):
            world.change("status", meaning, raw)
            with pytest.raises(ProviderUnavailable) as raised:
                await world.adapter.get_order(order, now())
            assert raised.value.reason == fault, (meaning, raw)
            world.fake.changed.clear()
