"""What only Trocador does: GETs that create, and exchanges behind it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import cast

import pytest

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import AmountRefused, Refusal
from privata.providers.fakes.traps import Trap
from privata.providers.port import OrderSecret, QuoteRequest
from privata.providers.tests.conformance.case import BTC, USDT, XRP, World, now, sell
from privata.providers.trocador.fake import FakeTrocador
from privata.providers.trocador.tests.case import TROCADOR, adapter


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeTrocador()
    fake.behind |= {"ChangeNow": Decimal("1.02"), "FixedFloat": Decimal("0.97")}
    one = adapter(await fake.start(), without=frozenset({"changenow"}))
    try:
        yield World(TROCADOR, fake, one)
    finally:
        await one.close()
        await fake.stop()


def behind(world: World) -> dict[str, Decimal]:
    return cast("FakeTrocador", world.fake).behind


async def test_a_get_that_creates_is_never_repeated_and_never_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    offer = await world.adapter.quote(sell())
    request = world.order(amount_to=offer.amount_to, rate_id=offer.rate_id)
    for _ in range(2):
        # A connection is kept from the calls before, on which a library would send a GET again.
        world.fake.trap = None
        await world.adapter.quote(sell())
        world.fake.trap = Trap.CLOSED
        made = len(world.fake.calls("create"))
        with pytest.raises(ProviderUnavailable) as raised:
            await world.adapter.create_order(request)
        assert len(world.fake.calls("create")) == made + 1
    for text in (caplog.text, str(raised.value)):
        assert request.payout_address not in text
        assert "new_trade" not in text


async def test_the_exchange_behind_it_is_told(world: World) -> None:
    del behind(world)["Swapuz"]
    offer = await world.adapter.quote(sell())
    assert offer.through == "fixedfloat"
    order = await world.opened(world.order(amount_to=offer.amount_to, rate_id=offer.rate_id))
    assert world.fake.calls("create")[-1].query["provider"] == "FixedFloat"
    assert order.secret is not None
    assert order.secret.values["provider"] == "FixedFloat"


async def test_the_best_of_the_exchanges_that_are_wanted(world: World) -> None:
    first = await world.adapter.quote(sell())
    assert first.through == "swapuz"
    behind(world)["FixedFloat"] = Decimal("1.01")
    second = await world.adapter.quote(sell())
    assert second.through == "fixedfloat"
    assert second.amount_to > first.amount_to
    behind(world).clear()
    behind(world)["Change Now"] = Decimal(2)
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.quote(sell())
    assert raised.value.reason == Refusal.PAIR


async def test_an_order_without_a_rate_asks_for_one(world: World) -> None:
    await world.opened()
    assert len(world.fake.calls("quote")) == 1
    made = world.fake.calls("create")[-1].query
    assert made["id"].startswith("rate")
    assert made["provider"] == "Swapuz"


async def test_the_password_of_an_order_is_a_secret(world: World) -> None:
    order = await world.opened()
    held = world.fake.book[order.provider_order_id]
    assert order.secret == OrderSecret(
        {"provider": "Swapuz", "id_provider": f"behind-{held.id}", "password": held.secret}
    )
    assert held.secret not in repr(order)


async def test_no_memo_is_a_zero(world: World) -> None:
    await world.opened()
    query = world.fake.calls("create")[-1].query
    assert (query["address_memo"], query["refund_memo"]) == ("0", "0")
    world.fake.changed["create"] = {"address_provider_memo": b'"0"'}
    assert (await world.adapter.create_order(world.order())).deposit_extra_id is None
    world.fake.changed.clear()
    request = world.order(source=BTC, target=XRP)
    await world.opened(request)
    assert world.fake.calls("create")[-1].query["address_memo"] == request.payout_extra_id


async def test_flags_are_words(world: World) -> None:
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    request = world.order(rate_type="fixed", rate_id=offer.rate_id, amount_to=offer.amount_to)
    await world.opened(request)
    query = world.fake.calls("create")[-1].query
    assert (query["fixed"], query["payment"]) == ("True", "False")
    world.fake.changed["create"] = {"fixed": b'"False"'}
    with pytest.raises(ProviderRefused) as raised:
        await world.adapter.create_order(request)
    assert raised.value.reason == Refusal.RATE


async def test_numbers_and_texts_are_mixed(world: World) -> None:
    plain = await world.adapter.quote(sell())
    world.fake.changed["quote"] = {
        "amount_from": b'"0.0100"',
        "min_deposit": b'"7.765e-05"',
        "max_deposit": b"20.0",
        "quotes.quotes.0.fixed": b"false",
    }
    assert (await world.adapter.quote(sell())).amount_to == plain.amount_to


async def test_an_amount_to_receive_is_a_payment(world: World) -> None:
    request = QuoteRequest(BTC, USDT, Decimal(500), "receive", "fixed")
    with pytest.raises(ProviderRefused):
        # The only amount to send is that of an exchange which is not wanted.
        await world.adapter.quote(request)
    world.fake.changed["quote"] = {"quotes.quotes.1.amount_from": b'"0.00795"'}
    offer = await world.adapter.quote(request)
    assert (offer.amount_from, offer.through) == (Decimal("0.00795"), "swapuz")
    assert world.fake.calls("quote")[-1].query["payment"] == "True"


async def test_limits_are_those_of_the_pair(world: World) -> None:
    world.fake.changed["quote"] = {"min_deposit": b"0.02"}
    with pytest.raises(AmountRefused) as raised:
        await world.adapter.quote(sell("0.01"))
    assert raised.value.limits is not None
    assert raised.value.limits.minimum == Decimal("0.02")


async def test_a_status_of_another_spelling(world: World) -> None:
    order = await world.opened()
    for word in ("Paid Partially", "HALTED", "paid_partially"):
        world.fake.move(order.provider_order_id, word)
        assert (await world.adapter.get_order(order, now())).status is OrderStatus.MANUAL_REVIEW
