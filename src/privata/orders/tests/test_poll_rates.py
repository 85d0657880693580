"""The rate at which all workers together ask a provider about orders."""

from __future__ import annotations

import asyncio

import pytest

from privata.infra.context import AppContext
from privata.orders.following.rates import POLL_SHARE, PollRate, PollRates
from privata.providers.adapters import ADAPTERS
from privata.providers.registry import ReadingRate, reading_rate

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
