"""Paused by failures, thousands waiting, resumed, workers killed: all in order and in time."""

from __future__ import annotations

import asyncio
import random
import signal
from datetime import timedelta
from itertools import groupby

from conftest import wait_for
from privata.webhooks.endpoints.service import update_endpoint
from privata.webhooks.recovery.resuming import resume_endpoint

from .conftest import Scale
from .harness import Harness

SEED = 21
PER_ORDER = 5

#: Events that come while the receiver fails: more than it takes until we pause the endpoint.
FAILING = 100

#: How much longer than its pace asks for a queue may take, in parts of that.
LATE = 0.10

_STATUS = "SELECT status FROM webhook_endpoint"
_WAITING = "SELECT count(*) FROM webhook_due WHERE true"
_TRIED = f"{_WAITING} AND attempts > 0 AND due_at > now()"
_TOOK = """
SELECT max(d.delivered_at) - max(e.resumed_at)
FROM webhook_delivery AS d JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
"""


async def test_thousands_wait_and_workers_are_killed_while_they_are_resumed(
    harness: Harness, scale: Scale
) -> None:
    events, pace, kills = scale((600, 300, 2), (5000, 100, 6))
    hook = await harness.hook("orders", status=500)
    pool = harness.ctx.database.pool
    await update_endpoint(
        harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id, pace_per_s=pace
    )
    workers = [harness.worker(), harness.worker()]
    await harness.publish(hook, FAILING, per_order=PER_ORDER)

    async def paused() -> bool:
        return bool(await pool.fetchval(_STATUS) == "paused")

    await wait_for(paused, seconds=60)
    await harness.publish(hook, events - FAILING, per_order=PER_ORDER)
    await harness.behave("orders", status=200)

    async def at_rest() -> bool:
        return not await pool.fetchval(f"{_WAITING} AND leased_until IS NOT NULL")

    await wait_for(at_rest)
    assert await pool.fetchval(_TRIED) > 0, "nothing waits for a retry: the test has no teeth"
    before = len(harness.received())
    resumed = await resume_endpoint(harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id)
    assert resumed.waiting == await pool.fetchval(_WAITING) == events
    rng = random.Random(SEED)
    for number in range(kills):
        # The last kill leaves enough of the queue for its leases to end in time.
        await harness.accepts(int(events * 0.7 * (number + rng.random()) / kills))
        workers[number % 2].send_signal(signal.SIGKILL)
        await asyncio.to_thread(workers[number % 2].wait)
        workers[number % 2] = harness.worker()
    await harness.drained(seconds=events / pace + 90)

    ledgers = await harness.ledgers()
    ledgers.check(repeats_at_most=ledgers.lost_leases)
    arrived = harness.received()[before:]
    oldest = next(iter(harness.published.values()))
    assert arrived[0].event_id == oldest.event_id, "the probe was not the oldest"
    firsts = list(dict.fromkeys(one.event_id for one in arrived))
    assert len(firsts) == events
    facts = sorted((harness.published[one] for one in firsts), key=lambda fact: fact.order_id)
    for _, order in groupby(facts, key=lambda fact: fact.order_id):
        assert [fact.seq for fact in order] == list(range(1, PER_ORDER + 1))
    took: timedelta = await pool.fetchval(_TOOK)
    print(f"seed {SEED}: {events} events at {pace} a second took {took.total_seconds():.1f} s")
    if scale.long:  # a machine that is busy with other tests keeps no times
        assert took.total_seconds() <= events / pace * (1 + LATE)
