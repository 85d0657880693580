"""What only Exolix has: pages of currencies, a failure after a deposit, amounts as numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from privata.core.lifecycle import OrderStatus
from privata.providers.exolix.fake import FakeExolix
from privata.providers.exolix.tests.case import EXOLIX, adapter
from privata.providers.tests.conformance.case import World, now


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeExolix()
    one = adapter(await fake.start())
    yield World(EXOLIX, fake, one)
    await one.close()
    await fake.stop()


async def test_every_page_of_the_list_is_read(world: World) -> None:
    whole = await world.adapter.currencies()
    assert isinstance(world.fake, FakeExolix)
    world.fake.page_most = 3
    world.fake.seen.clear()
    # A page smaller than what was asked for is no reason to stop; an empty one is.
    assert set(await world.adapter.currencies()) == set(whole)
    assert len(world.fake.calls("currencies")) > 3


async def test_an_error_after_a_deposit_needs_a_person(world: World) -> None:
    order = await world.opened()
    world.fake.move(order.provider_order_id, "sending")
    world.fake.move(order.provider_order_id, "error")
    report = await world.adapter.get_order(order, now())
    assert report.status is OrderStatus.MANUAL_REVIEW
    assert report.failed_reason is None


async def test_amounts_are_sent_as_numbers(world: World) -> None:
    await world.opened()
    (sent,) = world.fake.calls("create")
    assert b'"amount":0.01' in sent.body
