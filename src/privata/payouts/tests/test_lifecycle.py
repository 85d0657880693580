"""The table of a payout's states: what it allows, and that the database holds the same one."""

from __future__ import annotations

import itertools
import uuid

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.errors import WrongPayoutState
from privata.core.standing import Capability, OrganizationStatus, works
from privata.payouts import settling
from privata.payouts.lifecycle import (
    MOVES,
    RESERVED,
    TERMINAL,
    Booking,
    PayoutStatus,
    booking_of,
    may_move,
)
from privata.payouts.tests.making import Payee

S = PayoutStatus


def test_every_state_is_in_the_table_and_leads_to_an_end() -> None:
    assert set(MOVES) == set(S)
    assert {S.SETTLED, S.FAILED, S.CANCELLED} == TERMINAL
    for status in S:
        seen: set[PayoutStatus] = set()
        reach = {status}
        while reach - seen:
            one = (reach - seen).pop()
            seen.add(one)
            reach |= MOVES[one]
        assert (seen & TERMINAL) or status in TERMINAL
        assert status in TERMINAL or status not in set().union(*(MOVES[one] for one in seen))


def test_what_may_be_on_its_way_cannot_be_cancelled() -> None:
    cancelable = {status for status, following in MOVES.items() if S.CANCELLED in following}
    assert cancelable == {S.REQUESTED, S.CONFIRMED, S.APPROVED}


@given(st.booleans(), st.lists(st.sampled_from(S), max_size=12))
def test_money_that_is_set_aside_is_given_back_or_paid_once(
    needs_approval: bool, wanted: list[PayoutStatus]
) -> None:
    current, booked = S.REQUESTED, []
    for to in wanted:
        if not may_move(current, to, needs_approval=needs_approval):
            continue
        booked.append(booking_of(current, to))
        current = to
        moved = [one for one in booked if one is not None]
        assert len(moved) == len(set(moved))
        assert (Booking.RESERVE in moved) or not moved
        over = {Booking.RELEASE, Booking.SETTLE} & set(moved)
        assert len(over) <= 1
        assert (current in RESERVED) == (Booking.RESERVE in moved and not over)
        assert (current is S.SETTLED) == (over == {Booking.SETTLE})
    passed = {S.REQUESTED, *wanted}
    if current in (S.PROCESSING, S.SENT, S.SETTLED, S.FAILED):
        assert not needs_approval or S.APPROVED in passed


@pytest.mark.parametrize("needs_approval", [False, True])
def test_who_needs_approval_is_not_processed_without(needs_approval: bool) -> None:
    assert may_move(S.CONFIRMED, S.PROCESSING, needs_approval=needs_approval) is not needs_approval
    assert may_move(S.CONFIRMED, S.APPROVED, needs_approval=needs_approval) is needs_approval


#: Columns that fit each state, so that only the step itself can be refused.
_FITS = {
    S.REQUESTED: "confirmed_at = NULL, finished_at = NULL, failure = NULL",
    S.CONFIRMED: "confirmed_at = now()",
    S.APPROVED: "confirmed_at = now(), approved_at = now(), approved_by = 'x'",
    S.PROCESSING: "confirmed_at = now(), processing_at = now(), approved_at = now(),"
    " approved_by = 'x'",
    S.SENT: "confirmed_at = now(), processing_at = now(), approved_at = now(), approved_by = 'x',"
    " sent_at = now(), tx_hash = coalesce(tx_hash, gen_random_uuid()::text)",
    S.SETTLED: "confirmed_at = now(), processing_at = now(), approved_at = now(),"
    " approved_by = 'x', sent_at = now(), tx_hash = coalesce(tx_hash, gen_random_uuid()::text),"
    " finished_at = now()",
    S.FAILED: "confirmed_at = now(), processing_at = now(), approved_at = now(),"
    " approved_by = 'x', finished_at = now(), failure = 'x'",
    S.CANCELLED: "finished_at = now(), failure = 'x'",
}

_PATHS = {
    S.REQUESTED: (),
    S.CONFIRMED: (S.CONFIRMED,),
    S.APPROVED: (S.CONFIRMED, S.APPROVED),
    S.PROCESSING: (S.CONFIRMED, S.APPROVED, S.PROCESSING),
    S.SENT: (S.CONFIRMED, S.APPROVED, S.PROCESSING, S.SENT),
    S.SETTLED: (S.CONFIRMED, S.APPROVED, S.PROCESSING, S.SENT, S.SETTLED),
    S.FAILED: (S.CONFIRMED, S.APPROVED, S.PROCESSING, S.FAILED),
    S.CANCELLED: (S.CANCELLED,),
}


async def _insert(owner: asyncpg.Connection, payee: Payee) -> uuid.UUID:
    made = uuid.uuid4()
    await owner.execute(
        "INSERT INTO payout (id, environment, organization_id, address_id, currency, address,"
        " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at)"
        " SELECT $1, environment, organization_id, id, currency, address, 500,"
        " true, 'x', 'x', now()"
        " FROM payout_address WHERE organization_id = $2",
        made,
        payee.organization_id,
    )
    return made


async def _move(owner: asyncpg.Connection, payout_id: uuid.UUID, to: PayoutStatus) -> None:
    await owner.execute(f"UPDATE payout SET status = '{to}', {_FITS[to]} WHERE id = $1", payout_id)


async def test_the_database_holds_the_same_table(owner: asyncpg.Connection, payee: Payee) -> None:
    for current, to in itertools.product(S, S):
        if current is to:
            continue
        payout_id = await _insert(owner, payee)
        for passed in _PATHS[current]:
            await _move(owner, payout_id, passed)
        # This row has its approval; the step past it is judged by the rule above.
        if to in MOVES[current]:
            await _move(owner, payout_id, to)
            continue
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never becomes"):
            await _move(owner, payout_id, to)


@pytest.mark.parametrize(
    "change",
    [
        "amount = 501",
        "address = '0x0000000000000000000000000000000000000001'",
        "currency = 'USDC-ERC20'",
        "needs_approval = false",
        "created_at = now() + interval '1 day'",
        "challenge_expires_at = now() + interval '1 day'",
        "challenge_nonce = 'y'",
        "id = gen_random_uuid()",
    ],
)
async def test_what_was_requested_never_changes(
    owner: asyncpg.Connection, payee: Payee, change: str
) -> None:
    payout_id = await _insert(owner, payee)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changes"):
        await owner.execute(f"UPDATE payout SET {change} WHERE id = $1", payout_id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="for ever"):
        await owner.execute("DELETE FROM payout WHERE id = $1", payout_id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payout SET status = 'confirmed' WHERE id = $1",
        "UPDATE payout SET confirmed_at = now() WHERE id = $1",
        "UPDATE payout SET status = 'confirmed', confirmed_at = now(), tx_hash = 'x' WHERE id = $1",
        "UPDATE payout SET status = 'cancelled' WHERE id = $1",
        "UPDATE payout SET wrong_answers = 5 WHERE id = $1",
        "UPDATE payout SET failure = 'x' WHERE id = $1",
        "UPDATE payout SET approved_at = now(), approved_by = 'x' WHERE id = $1",
    ],
)
async def test_half_a_step_is_refused(
    owner: asyncpg.Connection, payee: Payee, statement: str
) -> None:
    payout_id = await _insert(owner, payee)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(statement, payout_id)


async def test_the_database_processes_nothing_without_its_approval(
    owner: asyncpg.Connection, payee: Payee
) -> None:
    payout_id = await _insert(owner, payee)
    await _move(owner, payout_id, S.CONFIRMED)
    with pytest.raises(asyncpg.CheckViolationError, match="payout_processing_at"):
        await owner.execute(
            "UPDATE payout SET status = 'processing', processing_at = now() WHERE id = $1",
            payout_id,
        )


async def test_a_payout_begins_as_requested(owner: asyncpg.Connection, payee: Payee) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="begins as requested"):
        await owner.execute(
            "INSERT INTO payout (id, environment, organization_id, address_id, currency, address,"
            " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at, status,"
            " confirmed_at) SELECT gen_random_uuid(), environment, organization_id, id, currency,"
            " address, 500,"
            " false, 'x', 'x', now(), 'confirmed', now() FROM payout_address"
        )


@pytest.mark.parametrize("amount", ["'NaN'", "0", "-1", "1e15"])
async def test_an_amount_is_a_positive_number(
    owner: asyncpg.Connection, payee: Payee, amount: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="payout_amount"):
        await owner.execute(
            "INSERT INTO payout (id, environment, organization_id, address_id, currency, address,"
            " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at)"
            " SELECT gen_random_uuid(), environment, organization_id, id, currency,"
            f" address, {amount}, false,"
            " 'x', 'x', now() FROM payout_address"
        )


@pytest.mark.parametrize("status", list(OrganizationStatus))
async def test_each_step_towards_sending_asks_for_the_organizations_status(
    payee: Payee, status: OrganizationStatus
) -> None:
    """A rejected organization had confirmed its payouts, and they were sent."""
    first, second = await payee.request(), await payee.request()
    await payee.confirm(second)
    move = "UPDATE organization SET status = $1"
    await payee.ctx.database.pool.execute(move, status.value)
    second_id = second.payout.id
    if works(Capability.PAYOUTS, status):
        await payee.confirm(first)
        await settling.process_payout(payee.ctx, by="op", payout_id=second_id)
        return
    for refused in (
        payee.confirm(first),
        settling.process_payout(payee.ctx, by="op", payout_id=second_id),
        settling.approve_payout(payee.ctx, by="op", payout_id=second_id),
    ):
        with pytest.raises(WrongPayoutState, match="require an approved organization") as raised:
            await refused
        assert raised.value.data == {"status": status.value}
    assert [await payee.status(one) for one in (first, second)] == ["requested", "confirmed"]
    # What is being sent goes on, and what is not can be called off.
    await payee.ctx.database.pool.execute(move, "approved")
    await payee.confirm(first)
    await settling.process_payout(payee.ctx, by="op", payout_id=second_id)
    await payee.ctx.database.pool.execute(move, status.value)
    await settling.fail_payout(payee.ctx, by="op", payout_id=second_id, reason="Not sent.")
    await settling.call_off(payee.ctx, by="op", payout_id=first.payout.id)
