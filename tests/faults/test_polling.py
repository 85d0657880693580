"""Many open orders, two workers, kills: none is asked about twice in its interval, and the rate of
the provider is kept.

The provider's own record is the judge: when each request came, about which order, and how many were
open at once. Workers are processes, and end by SIGKILL alone, so nothing is given back.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from conftest import wait_for
from privata.orders.following.pacing import PER_PROVIDER
from privata.orders.following.poller import LEASE_S, PROVIDER_DEADLINE_S
from privata.orders.following.polling import OLD
from privata.orders.tests.test_live_following import _COPIES as COPIES
from privata.orders.tests.test_live_orders import order_of, quote_of
from privata.providers.changenow.config import ChangeNowSettings
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.fakes.exchange import Route
from privata.providers.port import Credentials
from privata.routing import setting
from privata.routing.refreshing import refresh_due

from .conftest import Scale
from .harness import Harness

WORKERS = 2

#: What ChangeNOW allows to a key: 30 calls at once and 1,800 a minute (docs of its API, v2).
ALLOWED = ChangeNowSettings().client

#: So that a kill finds orders of which the answer is on its way.
ANSWER_S = 0.05


class Judge(FakeChangeNow):
    """ChangeNOW with a record of its requests."""

    def __init__(self) -> None:
        super().__init__(slow_s=ANSWER_S)
        self.start_record()

    def start_record(self) -> None:
        """Forget what has come so far."""
        self.came: list[float] = []
        self.asked: defaultdict[str, list[float]] = defaultdict(list)
        self.calls_about_orders = 0
        self.open = self.most_open = 0

    def _answering(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        answer = super()._answering(route)

        async def recorded(request: web.Request) -> web.StreamResponse:
            now = time.monotonic()
            self.came.append(now)
            if route.call == "status":
                self.asked[request.query["id"]].append(now)
                self.calls_about_orders += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            try:
                return await answer(request)
            finally:
                self.open -= 1

        return recorded

    def fullest(self) -> float:
        """How much of the burst was left at the worst moment; negative: a call came too early.

        A bucket as the provider would keep it, over all requests, whoever sent them.
        """
        left = lowest = ALLOWED.burst
        for before, now in itertools.pairwise([self.came[0], *self.came]):
            left = min(ALLOWED.burst, left + (now - before) * ALLOWED.calls_per_minute / 60) - 1
            lowest = min(lowest, left)
        return lowest

    def early(self) -> list[tuple[float, float]]:
        """Each request about an order that came sooner after another than the interval; both."""
        return [
            (before, after)
            for times in self.asked.values()
            for before, after in itertools.pairwise(times)
            if after - before < OLD.total_seconds()
        ]


@pytest.fixture
async def judge(harness: Harness) -> AsyncIterator[Judge]:
    """An exchange that is enabled, with its list read."""
    made = Judge()
    url = await made.start()
    await setting.set_credentials(harness.ctx, made.name, Credentials(key="key"))
    await setting.enable(harness.ctx, made.name, changes_url=True, base_url=url)
    await refresh_due(harness.ctx)
    yield made
    await made.stop()


async def due_orders(harness: Harness, organization: uuid.UUID, judge: Judge, count: int) -> None:
    """Orders of an hour ago that are all due: from now on each is asked about once a minute."""
    order = await order_of(harness.ctx, organization, await quote_of(harness.ctx, organization))
    (known,) = judge.book.values()
    for number in range(1, count + 1):
        judge.book[f"many-{number}"] = replace(known, id=f"many-{number}")
    pool = harness.ctx.database.pool
    # The copies name their provider's order by what they are copied under.
    await pool.execute(COPIES, "many", count, 60.0, order["order_id"])
    await pool.execute("UPDATE orders SET provider = $1 WHERE provider = 'many'", judge.name)
    await pool.execute("UPDATE orders SET poll_at = NULL WHERE id = $1", order["order_id"])


async def test_no_order_is_asked_about_twice_in_its_interval_and_the_rate_is_kept(
    harness: Harness, organization: uuid.UUID, judge: Judge, scale: Scale
) -> None:
    # The short run ends before the lease of what its kill took, which is longer than all else.
    orders, calls, kills = scale((240, 200, 1), (10_000, 10_000, 10))
    await due_orders(harness, organization, judge, orders)
    judge.start_record()

    async def until_asked(number: int) -> None:
        async def enough() -> bool:
            await asyncio.sleep(0.1)
            return judge.calls_about_orders >= number

        await wait_for(enough, seconds=scale(120, 1200))

    workers = [harness.worker() for _ in range(WORKERS)]
    killed: list[float] = []
    for kill in range(kills):
        await until_asked((kill + 1) * calls // (kills + 2))
        worker = workers[kill % WORKERS]
        worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(worker.wait)
        killed.append(time.monotonic())
        workers[kill % WORKERS] = harness.worker()
    await until_asked(calls)
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(worker.wait)

    early = judge.early()
    took = judge.came[-1] - judge.came[0]
    print(
        f"{judge.calls_about_orders} calls about {len(judge.asked)} of {orders} orders in"
        f" {took:.0f} s, {kills} kills: {len(early)} asked early, {judge.most_open} at once,"
        f" {judge.fullest():.1f} of a burst of {ALLOWED.burst:g} left"
    )
    # An order whose answer was on its way at a kill, or not written yet, belongs to nobody: it is
    # asked about again when its lease ends. The lease began before the call, by its deadline at
    # most. Nothing else may be early, and of each worker no more than its places.
    assert len(early) <= kills * PER_PROVIDER
    for before, after in early:
        assert any(0 <= at - before <= LEASE_S for at in killed)
        assert after - before >= LEASE_S - PROVIDER_DEADLINE_S
    # Each worker has its connections, also a new one: those of the killed end with it.
    assert judge.most_open <= WORKERS * ALLOWED.connections
    # Both workers together, and every new one, are within what the provider allows to one key.
    assert judge.fullest() >= 0, "the provider is asked more often than it allows"
