"""One step of a payout with what it books: every change of a payout's status comes through here."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Unpack

from privata.core.errors import WrongPayoutState
from privata.core.tenancy import Environment
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.database.postgres import Transaction
from privata.infra.generation import refuse_unconfirmed
from privata.ledger import service as ledger
from privata.ledger.service import Cause
from privata.payouts import store
from privata.payouts.lifecycle import Booking, PayoutStatus, booking_of, may_move
from privata.payouts.rows import PayoutRow
from privata.payouts.simulating import PayoutScenario, seconds_in

#: What open pages are told of.
LIVE_TOPIC: Final = "payouts"

#: Steps that note that money has left: always possible, since they let nobody pay again.
OF_MONEY_THAT_LEFT: Final = frozenset({PayoutStatus.SENT, PayoutStatus.SETTLED})

#: What the ledger's entries of payouts have as the kind of their cause.
CAUSE: Final = "payout"


async def step(
    tx: Transaction,
    payout: PayoutRow,
    to: PayoutStatus,
    *,
    now: datetime,
    **known: Unpack[store.Known],
) -> PayoutRow:
    """Move a payout whose row is locked to its next state; the row as it is then.

    The money of a live one moves in the same transaction, under a cause that the ledger takes once:
    no step is ever booked twice. In the sandbox nothing is booked, and the simulator has the next
    step to take when its time comes. `WrongPayoutState` if the table has no such step,
    `InsufficientBalance` if there is too little to reserve, `DatabaseUnconfirmed` while the
    database may have forgotten what became of the payout. `known`: see `store.Known`.
    """
    if payout.environment == Environment.LIVE and to not in OF_MONEY_THAT_LEFT:
        await refuse_unconfirmed(tx)
    return await repeat(tx, payout, to, now=now, **known)


async def repeat(
    tx: Transaction,
    payout: PayoutRow,
    to: PayoutStatus,
    *,
    now: datetime,
    **known: Unpack[store.Known],
) -> PayoutRow:
    """The same step also while payouts are on hold: one that was taken before, and forgotten."""
    current = PayoutStatus(payout.status)
    if not may_move(current, to, needs_approval=payout.needs_approval):
        raise wrong_state(payout, to)
    environment = Environment(payout.environment)
    if environment is Environment.TEST:
        scenario, ttl = sandbox_of(payout)
        known["due_in"] = seconds_in(
            to,
            scenario,
            ttl,
            needs_approval=payout.needs_approval,
        )
    moved = await store.move_payout(tx, payout, to, now=now, **known)
    if moved is None:
        raise wrong_state(payout, to)
    booking = booking_of(current, to)
    if booking is not None and environment is Environment.LIVE:
        await _book(tx, moved, booking)
    tx.wake(LIVE_WAKEUP, live_payload(moved.organization_id, environment, LIVE_TOPIC))
    return moved


def sandbox_of(payout: PayoutRow) -> tuple[PayoutScenario, int]:
    """Scenario and seconds of the path of a payout of the sandbox."""
    # Constraint payout_sandbox_whole: all of the test environment have both.
    assert payout.sandbox_scenario is not None
    assert payout.sandbox_ttl is not None
    return PayoutScenario(payout.sandbox_scenario), payout.sandbox_ttl


#: What a step would have done, in words.
_DONE: Final = {
    PayoutStatus.CONFIRMED: "confirmed",
    PayoutStatus.APPROVED: "approved",
    PayoutStatus.PROCESSING: "sent",
    PayoutStatus.SENT: "marked as sent",
    PayoutStatus.SETTLED: "settled",
    PayoutStatus.FAILED: "marked as failed",
    PayoutStatus.CANCELLED: "canceled",
}


def wrong_state(payout: PayoutRow, to: PayoutStatus) -> WrongPayoutState:
    """The refusal of a step that a payout in its state cannot take."""
    waits = (
        payout.status == PayoutStatus.CONFIRMED
        and to is PayoutStatus.PROCESSING
        and payout.needs_approval
    )
    is_now = "canceled" if payout.status == PayoutStatus.CANCELLED else payout.status
    sentence = f"This payout is {is_now} and cannot be {_DONE[to]}."
    if waits:
        sentence = "This payout needs the operator's approval first."
    return WrongPayoutState(sentence, data={"status": payout.status})


async def _book(tx: Transaction, payout: PayoutRow, booking: Booking) -> None:
    verbs = {
        Booking.RESERVE: ledger.reserve,
        Booking.RELEASE: ledger.release,
        Booking.SETTLE: ledger.settle,
    }
    await verbs[booking](
        tx,
        organization_id=payout.organization_id,
        amount=payout.amount,
        cause=Cause(CAUSE, str(payout.id), booking.value),
    )
