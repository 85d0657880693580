"""The rate at which all workers together ask a provider about orders."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest

from privata.infra.context import AppContext
from privata.orders.following.pacing import Places
from privata.orders.following.poller import follow
from privata.orders.following.rates import POLL_SHARE, PollRate, PollRates
from privata.orders.rows import order_row
from privata.orders.tests.test_live_orders import order_of, quote_of
from privata.providers.adapters import ADAPTERS
from privata.providers.registry import ReadingRate, reading_rate
from privata.routing.tests.market import Market

#: A call in 10 minutes and 40 at once: none flows in while a test runs.
SLOW = ReadingRate(per_minute=0.1 / POLL_SHARE, burst=40 / (1 - POLL_SHARE))


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_provider_has_a_rate_of_polls_within_its_own(name: str) -> None:
    allowed = reading_rate(name)
    assert allowed is not None
    rate = PollRate.of(allowed)
    # While a whole burst flows in, polls come to no more than one.
    refilled_s = allowed.burst / allowed.per_minute * 60
    assert rate.burst + refilled_s / rate.call_s <= allowed.burst + 1e-9
    assert rate.burst >= 1


def test_a_provider_without_adapter_has_no_rate() -> None:
    assert reading_rate("simulator") is None
    assert reading_rate("nobody") is None


async def test_a_shift_is_read_ten_times_as_often_as_its_units_say() -> None:
    assert reading_rate("sideshift") == pytest.approx((600, 600))


async def test_all_workers_take_their_calls_out_of_one_bucket(ctx: AppContext) -> None:
    workers = [PollRates(ctx.database.pool, lambda _: SLOW) for _ in range(4)]
    # All at once, and the rows are not there yet.
    taken = await asyncio.gather(
        *(worker.take({"changenow": 3, "exolix": 5}) for worker in workers * 5)
    )
    assert sum(one["changenow"] for one in taken) == 40
    assert sum(one["exolix"] for one in taken) == 40
    assert await workers[0].take({"changenow": 3}) == {"changenow": 0}
    # What is paid off by then can be taken again, and never more than the burst.
    await ctx.database.pool.execute(
        "UPDATE poll_pace SET paid_until = CASE provider WHEN 'changenow'"
        " THEN paid_until - interval '20 minutes' ELSE now() - interval '1 day' END"
    )
    again = await workers[1].take({"changenow": 3, "exolix": 50, "godex": 1})
    assert again == {"changenow": 2, "exolix": 40, "godex": 1}


async def test_an_order_that_was_asked_about_lets_those_pass_that_wait(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch, organization: uuid.UUID
) -> None:
    market = Market(ctx, monkeypatch)
    await market.open("changenow")
    await order_of(ctx, organization, await quote_of(ctx, organization))
    (row,) = map(order_row, await ctx.database.pool.fetch("SELECT * FROM orders"))
    two = ReadingRate(SLOW.per_minute, 2 / (1 - POLL_SHARE))
    places = Places(ctx, PollRates(ctx.database.pool, lambda _: two))
    assert len(await places.those_who_may([row])) == 1
    assert places.stretch(row.provider) == 1
    assert len(await places.those_who_may([row] * 10)) == 1
    # Nine were told to wait 30 to 45 seconds, and there were two calls: 135 to 202 for each.
    assert 2 < places.stretch(row.provider) < 3.5
    await follow(ctx, row, asyncio.Semaphore(1), places)
    due = await ctx.database.pool.fetchval("SELECT poll_at - now() FROM orders")
    # A new order is asked about after 5 to 6 seconds.
    assert timedelta(seconds=9) < due < timedelta(seconds=22)
    await market.close()
