"""Slots: a share for first attempts, ops events apart; as numbers and as claims."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.webhooks.claims import claim
from privata.webhooks.ops_events import ops_event, publish_ops
from privata.webhooks.service import create_endpoint
from privata.webhooks.settling import settle
from privata.webhooks.slots import Room, Slot, Slots
from privata.webhooks.tests.deliveries import (
    LEASE_S,
    actor_of,
    claim_some,
    endpoint,
    line,
    make_due,
    publish_order,
    settlement,
)

ONE, OTHER = uuid4(), uuid4()


def test_a_quarter_is_for_first_attempts() -> None:
    slots = Slots(64, 64)
    assert slots.room() == Room(orders=64, retries=48, ops=8)
    for _ in range(48):
        slots.take(Slot(ONE, ops=False, retry=True))
    assert slots.room() == Room(orders=16, retries=0, ops=8)
    assert slots.bounded
    for _ in range(16):
        slots.take(Slot(ONE, ops=False, retry=False))
    assert slots.room() == Room(orders=0, retries=0, ops=8)
    assert slots.room()
    assert slots.in_flight == 64


def test_first_attempts_may_have_all_of_them() -> None:
    slots = Slots(8, 8)
    for _ in range(7):
        slots.take(Slot(ONE, ops=False, retry=False))
    assert slots.room() == Room(orders=1, retries=1, ops=1)


def test_a_worker_with_one_slot_retries_too() -> None:
    assert Slots(1, 1).room() == Room(orders=1, retries=1, ops=1)


def test_an_endpoint_at_its_cap_bounds_the_worker() -> None:
    slots = Slots(64, 2)
    slots.take(Slot(ONE, ops=False, retry=False))
    assert not slots.bounded
    slots.take(Slot(ONE, ops=False, retry=False))
    assert slots.bounded


_SLOTS = st.builds(Slot, st.sampled_from([ONE, OTHER]), st.booleans(), st.booleans())


@given(st.integers(1, 200), st.lists(_SLOTS, max_size=60))
def test_what_is_given_back_is_free_again(concurrency: int, taken: list[Slot]) -> None:
    slots = Slots(concurrency, 16)
    empty = slots.room()
    for slot in taken:
        slots.take(slot)
    assert slots.in_flight == len(taken)
    assert sum(slots.busy.values()) == len(taken)
    for slot in taken:
        slots.free(slot)
    assert (slots.room(), slots.in_flight, dict(slots.busy)) == (empty, 0, {})


async def test_a_claim_takes_no_more_retries_than_allowed(
    kernel: Kernel, organization: UUID
) -> None:
    for _ in range(3):
        await endpoint(kernel, organization)
    for _ in range(4):
        await publish_order(kernel, organization)
    async with line(kernel) as db:
        await settle(db, [settlement(one, status="pending") for one in await claim_some(db)])
        await make_due(kernel)
        for _ in range(2):
            await publish_order(kernel, organization)
        taken = await claim(db, room=Room(100, 5, 1), lease_s=LEASE_S, per_endpoint=100, busy={})
        assert sum(one.attempts > 0 for one in taken) == 5
        assert sum(one.attempts == 0 for one in taken) == 6
        none = await claim(db, room=Room(100, 0, 1), lease_s=LEASE_S, per_endpoint=100, busy={})
        assert none == []
        rest = await claim(db, room=Room(100, 99, 1), lease_s=LEASE_S, per_endpoint=100, busy={})
        assert len(rest) == 7


async def test_ops_events_go_out_when_orders_have_every_slot(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    ops_id, _ = await create_endpoint(
        kernel, actor=actor_of(organization), url="http://localhost:2/", alias="Ops", channel="ops"
    )
    for _ in range(5):
        await publish_order(kernel, organization)
    async with kernel.database.transaction() as tx:
        for _ in range(3):
            event = ops_event(
                "payout_sent",
                reason="test",
                now=kernel.clock.now(),
                environment=Environment.TEST,
                fields={},
            )
            await publish_ops(
                tx, organization_id=organization, environment=Environment.TEST, event=event
            )
    async with line(kernel) as db:
        taken = await claim(db, room=Room(0, 0, 2), lease_s=LEASE_S, per_endpoint=9, busy={})
        assert [one.endpoint_id for one in taken] == [ops_id, ops_id]
        assert all(one.slot.ops for one in taken)
        orders = await claim(db, room=Room(9, 9, 0), lease_s=LEASE_S, per_endpoint=9, busy={})
    assert len(orders) == 5
    assert not any(one.slot.ops for one in orders)
