"""Slots: a share for first attempts, ops events apart; as numbers and as claims."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from privata.core.tenancy import Environment
from privata.events.ops_events import ops_event, publish_ops
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.engine.claims import claim
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.engine.slots import Account, Slot, Slots
from privata.webhooks.tests.deliveries import (
    LEASE_S,
    actor_of,
    attempt_record,
    claim_some,
    endpoint,
    granted,
    make_due,
    publish_order,
    reconnecting,
)

ONE, OTHER = uuid4(), uuid4()


def _room(orders: int, retries: int, ops: int) -> tuple[int, int, int]:
    return orders, retries, ops


def _of(slots: Slots) -> tuple[int, int, int]:
    room = slots.room()
    return _room(room.orders, room.retries, room.ops)


def _fill(slots: Slots, sends: int, *, retry: bool = False, environment: str = "live") -> None:
    account = Account(uuid4(), environment, False)
    for _ in range(sends):
        slots.take(Slot(account, ONE, retry), object(), 0.0)


def test_a_quarter_is_for_first_attempts() -> None:
    slots = Slots(64, 64)
    assert _of(slots) == _room(64, 48, 8)
    _fill(slots, 48, retry=True)
    assert _of(slots) == _room(16, 0, 8)
    assert slots.bounded
    _fill(slots, 16)
    assert _of(slots) == _room(0, 0, 8)
    assert slots.room()
    assert slots.in_flight == 64


def test_first_attempts_may_have_all_of_them() -> None:
    slots = Slots(8, 8)
    _fill(slots, 7)
    assert _of(slots) == _room(1, 1, 1)


def test_a_worker_with_one_slot_retries_too() -> None:
    assert _of(Slots(1, 1)) == _room(1, 1, 1)
    assert Slots(1, 1).room().test == Slots(1, 1).room().live == 1


_SLOTS = st.builds(
    Slot,
    st.builds(
        Account, st.sampled_from([ONE, OTHER]), st.sampled_from(["live", "test"]), st.booleans()
    ),
    st.sampled_from([ONE, OTHER]),
    st.booleans(),
)


@given(st.integers(1, 200), st.lists(_SLOTS, max_size=60))
def test_what_is_given_back_is_free_again(concurrency: int, taken: list[Slot]) -> None:
    slots = Slots(concurrency, 16)
    empty = slots.room()
    for number, slot in enumerate(taken):
        slots.take(slot, number, 0.0)
    assert slots.in_flight == len(taken)
    for number, slot in enumerate(taken):
        if number % 2:
            slots.sent(number, 1.0)
        slots.free(slot, number)
    assert (slots.room(), slots.in_flight) == (empty, 0)
    assert all(one.sends == 0 for one in slots.grant(1.0).accounts.values())


async def test_a_claim_takes_no_more_retries_than_allowed(
    ctx: AppContext, organization: UUID
) -> None:
    for _ in range(3):
        await endpoint(ctx, organization)
    for _ in range(4):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        await record_attempts(
            db, [attempt_record(one, status="pending") for one in await claim_some(db)]
        )
        await make_due(ctx)
        for _ in range(2):
            await publish_order(ctx, organization)
        taken = await claim(db, grant=granted(100, 5, 1), lease_s=LEASE_S, per_endpoint=100)
        assert sum(one.attempts > 0 for one in taken) == 5
        assert sum(one.attempts == 0 for one in taken) == 6
        none = await claim(db, grant=granted(100, 0, 1), lease_s=LEASE_S, per_endpoint=100)
        assert none == []
        rest = await claim(db, grant=granted(100, 99, 1), lease_s=LEASE_S, per_endpoint=100)
        assert len(rest) == 7


async def test_ops_events_go_out_when_orders_have_every_slot(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    ops_id, _ = await create_endpoint(
        ctx, actor=actor_of(organization), url="http://localhost:2/", alias="Ops", channel="ops"
    )
    for _ in range(5):
        await publish_order(ctx, organization)
    async with ctx.database.transaction() as tx:
        for _ in range(3):
            event = ops_event(
                "payout_sent",
                reason="test",
                now=ctx.clock.now(),
                environment=Environment.TEST,
                fields={},
            )
            await publish_ops(
                tx, organization_id=organization, environment=Environment.TEST, event=event
            )
    async with reconnecting(ctx) as db:
        taken = await claim(db, grant=granted(0, 0, 2), lease_s=LEASE_S, per_endpoint=9)
        assert [one.endpoint_id for one in taken] == [ops_id, ops_id]
        assert all(one.slot.account.ops for one in taken)
        orders = await claim(db, grant=granted(9, 9, 0), lease_s=LEASE_S, per_endpoint=9)
    assert len(orders) == 5
    assert not any(one.slot.account.ops for one in orders)
