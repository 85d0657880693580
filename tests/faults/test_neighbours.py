"""Many at once without faults; and one that is in trouble beside others that are not."""

from __future__ import annotations

from contextlib import AsyncExitStack
from uuid import UUID

from conftest import wait_for
from privata.core.ids import new_order_id
from privata.core.tenancy import Environment
from privata.events.service import NewEvent, publish
from privata.webhooks.engine.shares import UNMEASURED_S, account_free
from privata.webhooks.tests.deliveries import count, dispatching

from .conftest import Scale
from .harness import CONCURRENCY, Harness

POISON_BYTES = 8 * 1024 * 1024

#: Just within the deadline: a success that costs a slot for as long as can be.
SLOW_S = 4.7


async def test_several_dispatchers_repeat_nothing(harness: Harness, scale: Scale) -> None:
    events, dispatchers = scale((2_000, 4), (20_000, 8))
    hooks = [await harness.hook(f"hook{number}") for number in range(4)]
    async with AsyncExitStack() as stack:
        for _ in range(dispatchers):
            await stack.enter_async_context(dispatching(harness.ctx))
        for _ in range(5):
            for hook in hooks:
                await harness.publish(hook, events // 5 // len(hooks))
        await harness.drained(seconds=scale(90, 1800))
    ledgers = await harness.ledgers()
    assert len(ledgers.published) == events
    ledgers.check(repeats_at_most=0)
    ledgers.firsts_in_order()
    assert all(one.leases == 1 for one in ledgers.stored), "a delivery was claimed twice"


async def test_others_are_served_while_one_hangs(harness: Harness, scale: Scale) -> None:
    """The hanging one has a backlog before the others publish at all."""
    backlog, others = scale((1_000, 200), (10_000, 2_000))
    hanging = await harness.hook("hanging", silent=True)
    healthy = [await harness.hook(name) for name in ("a", "b", "c")]
    await harness.publish(hanging, backlog)
    # An eighth of the slots for each endpoint, so the hanging one cannot take them all.
    async with dispatching(harness.tuned(dispatch_per_endpoint=CONCURRENCY // 8)):
        for hook in healthy:
            await harness.publish(hook, others)
        await harness.accepts(3 * others, "a", "b", "c")
        assert harness.accepted("hanging") == 0
    ids = [hook.endpoint_id for hook in healthy]
    spent = await harness.ctx.database.pool.fetchval(
        "SELECT max(attempts) FROM webhook_every_delivery WHERE endpoint_id = ANY ($1)", ids
    )
    assert spent == 1
    kept = f"endpoint_id = '{hanging.endpoint_id}' AND status = 'pending'"
    assert await count(harness.ctx, kept) == backlog, "the backlog of the hanging one is kept"


async def test_500_slow_endpoints_of_one_organization_are_not_felt(
    harness: Harness, scale: Scale
) -> None:
    """One sandbox key had 150 endpoints that answered after 4.7 s: it held every slot there was."""
    endpoints, rounds = scale((500, 20), (500, 200))
    slow = await harness.hook("slow", delay_s=SLOW_S)
    await harness.multiply(slow, endpoints)
    others = [await harness.hook(name) for name in ("a", "b", "c")]
    pool = harness.ctx.database.pool
    held = (
        "SELECT count(*) FROM webhook_due WHERE leased_until IS NOT NULL AND organization_id = $1"
    )
    started = (
        "SELECT count(*) FROM webhook_every_delivery WHERE lease_token > 0 AND organization_id = $1"
    )
    async with dispatching(harness.tuned(delivery_timeout_seconds=5.0)):
        await harness.publish(slow, 12, per_order=1)
        await wait_for(lambda: _counts(harness, started, slow.organization))
        most = 0
        for number in range(1, rounds + 1):
            for hook in others:
                await harness.publish(hook, 4, per_order=1)
            # What has begun of the slow ones while these were sent: that is what they waited for.
            before = await pool.fetchval(started, slow.organization)
            await harness.accepts(3 * 4 * number, "a", "b", "c")
            after = await pool.fetchval(started, slow.organization)
            assert after - before <= CONCURRENCY, "the others waited for slots of the slow ones"
            most = max(most, await pool.fetchval(held, slow.organization))
    # Nobody knows them at first, then they have what the slowest have, and one more that ends.
    assert 0 < most <= account_free(CONCURRENCY, 0, UNMEASURED_S) + 1
    assert await count(harness.ctx, "attempts > 1") == 0


async def _counts(harness: Harness, query: str, organization: UUID) -> bool:
    return bool(await harness.ctx.database.pool.fetchval(query, organization))


async def test_a_poisoned_event_stops_nobody(harness: Harness) -> None:
    """One that cannot be sent at all, and one that is huge: seen, kept, and alone with it."""
    hook = await harness.hook("orders")
    unsendable, huge = "bad\r\nX-Injected: 1", "huge"
    async with dispatching(harness.ctx):
        async with harness.ctx.database.transaction() as tx:
            for event_id, body in ((unsendable, b"{}"), (huge, b" " * POISON_BYTES)):
                await publish(
                    tx,
                    organization_id=hook.organization,
                    environment=Environment.TEST,
                    channel="order",
                    order_id=new_order_id(),
                    events=[NewEvent(event_id, "order.confirming", body, 1)],
                )
        await harness.publish(hook, 100)
        await harness.accepts(100 + 1)
    received = harness.received()
    assert {one.event_id for one in received} == {*harness.published, huge}
    row = await harness.ctx.database.pool.fetchrow(
        "SELECT d.status, d.attempts, d.last_outcome FROM webhook_every_delivery AS d"
        " JOIN event ON event.seq = d.event_seq WHERE event.event_id = $1",
        unsendable,
    )
    assert row is not None
    assert tuple(row) == ("pending", 0, "internal"), "our fault: kept, seen, and nobody's attempt"
