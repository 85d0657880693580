"""Servers that hang, break, flood, or answer something else: every call ends as unavailable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from privata.core.errors import ProviderUnavailable
from privata.providers.failures import Fault
from privata.providers.fakes.traps import RETRY_AFTER_S, Trap
from privata.providers.port import Deadline
from privata.providers.tests.conformance.case import BTC, KEY, SECRET, USDT, World, now, sell

FAULTS = {
    Trap.HTML: {Fault.NOT_JSON},
    Trap.HANGING: {Fault.TIMEOUT},
    Trap.HANGING_BODY: {Fault.TIMEOUT},
    Trap.SERVER_ERROR: {Fault.SERVER_ERROR},
    Trap.RATE_LIMITED: {Fault.RATE_LIMITED},
    Trap.UNAUTHORIZED: {Fault.CREDENTIALS},
    Trap.HUGE: {Fault.TOO_LARGE},
    Trap.HUGE_DECLARED: {Fault.TOO_LARGE},
    Trap.CUT: {Fault.TOO_LARGE},
    Trap.CLOSED: {Fault.CONNECTION},
    Trap.EMPTY: {Fault.NOT_JSON},
    Trap.NULL: {Fault.SHAPE},
    Trap.WORD: {Fault.SHAPE},
    Trap.DEEP: {Fault.NOT_JSON},
    Trap.LONG_NUMBER: {Fault.NUMBER},
    Trap.NOT_A_NUMBER: {Fault.NUMBER},
    Trap.NOT_UTF8: {Fault.NOT_JSON},
    Trap.COMPRESSED: {Fault.ENCODED},
    Trap.REDIRECT: {Fault.REDIRECT},
    Trap.UNKNOWN_ERROR: {Fault.UNKNOWN_ERROR, Fault.SHAPE},
}


@pytest.mark.parametrize("trap", list(Trap))
async def test_every_call_survives(world: World, trap: Trap) -> None:
    order = await world.opened()
    adapter = world.adapter
    world.fake.trap = trap
    hangs = trap in (Trap.HANGING, Trap.HANGING_BODY)
    calls: list[Callable[[Deadline], Awaitable[object]]] = [
        lambda deadline: adapter.currencies(deadline=deadline),
        lambda deadline: adapter.limits(BTC, USDT, deadline=deadline),
        lambda deadline: adapter.quote(sell(), deadline=deadline),
        lambda deadline: adapter.create_order(world.order(), deadline=deadline),
        lambda deadline: adapter.get_order(order, now(), deadline=deadline),
    ]
    for call in calls:
        with pytest.raises(ProviderUnavailable) as raised:
            await call(Deadline.after(0.05 if hangs else 5))
        assert raised.value.reason in FAULTS[trap]
        text = str(raised.value)
        assert "127.0.0.1" not in text
        assert KEY not in text
        assert SECRET not in text
    # Of 100 MB, no more was read than the limit and what lay in buffers.
    assert world.fake.sent_bytes < len(calls) * 20 * 1024 * 1024


async def test_a_provider_that_asks_for_a_pause_is_left_alone(world: World) -> None:
    await world.opened()
    world.fake.trap = Trap.RATE_LIMITED
    with pytest.raises(ProviderUnavailable) as raised:
        await world.adapter.quote(sell())
    assert raised.value.retry_after_s == RETRY_AFTER_S
    world.fake.trap = None
    before = len(world.fake.seen)
    with pytest.raises(ProviderUnavailable) as again:
        await world.adapter.quote(sell(), deadline=Deadline.after(1))
    assert again.value.reason == Fault.RATE_LIMITED
    assert len(world.fake.seen) == before


async def test_an_order_is_never_sent_twice(world: World) -> None:
    await world.opened()
    offer = await world.adapter.quote(sell())
    request = world.order(amount_to=offer.amount_to, rate_id=offer.rate_id)
    made = len(world.fake.calls("create"))
    world.fake.trap = Trap.CLOSED
    with pytest.raises(ProviderUnavailable):
        await world.adapter.create_order(request)
    assert len(world.fake.calls("create")) == made + 1


async def test_the_list_is_kept(world: World) -> None:
    await world.adapter.currencies()
    asked = len(world.fake.calls("currencies"))
    await world.adapter.quote(sell())
    await world.opened()
    assert len(world.fake.calls("currencies")) == asked
