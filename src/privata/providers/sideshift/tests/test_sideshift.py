"""What only SideShift has: addresses of users, offline networks, refunds to an address it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import AmountRefused
from privata.providers.sideshift.tests.case import SIDESHIFT, adapter
from privata.providers.tests.conformance.case import World, now, refund_of, sell


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = SIDESHIFT.fake()
    one = adapter(await fake.start())
    yield World(SIDESHIFT, fake, one)
    await one.close()
    await fake.stop()


async def test_what_is_offline_is_not_listed(world: World) -> None:
    listed = {(one.ticker, one.network) for one in await world.adapter.currencies()}
    assert ("DOGE", "DOGE") not in listed
    assert ("LTC", "LTC") in listed


async def test_the_address_of_the_user_goes_along(world: World) -> None:
    await world.adapter.quote(replace(sell("0.01", "fixed"), user_ip="198.51.100.4"))
    await world.adapter.quote(replace(sell("0.01", "fixed"), user_ip=None))
    sent = [seen.headers["x-user-ip"] for seen in world.fake.calls("quote")]
    assert sent == ["198.51.100.4", "192.0.2.1"]


async def test_a_fixed_shift_is_made_of_the_quote_it_was_offered_with(world: World) -> None:
    offer = await world.adapter.quote(sell("0.01", "fixed"))
    request = world.order(rate_type="fixed", amount_to=offer.amount_to, rate_id=offer.rate_id)
    await world.adapter.create_order(request)
    assert len(world.fake.calls("quote")) == 1
    await world.adapter.create_order(replace(request, rate_id=None))
    assert len(world.fake.calls("quote")) == 2


async def test_a_variable_shift_takes_no_amount_outside_its_limits(world: World) -> None:
    request = world.order()
    with pytest.raises(AmountRefused):
        await world.adapter.create_order(replace(request, amount_from=request.amount_from * 10**6))


async def test_the_deposit_address_may_go_away(world: World) -> None:
    order = await world.opened()
    world.fake.changed["status"] = {"depositAddress": b"null"}
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.WAITING_DEPOSIT


async def test_a_refund_goes_to_the_address_that_the_shift_has(world: World) -> None:
    order = await world.opened()  # with the address `back`
    world.fake.move(order.provider_order_id, "refund")
    taken = await world.adapter.refund(refund_of(order), now())
    assert not taken.done
    with pytest.raises(ProviderRefused):
        other = replace(refund_of(order), address=order.agreed.deposit_address)
        await world.adapter.refund(other, now())
    assert world.fake.calls("refund") == []
