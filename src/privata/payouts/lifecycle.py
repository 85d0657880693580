"""The life of a payout (docs/payouts.md) and what each step does with the money, as data. Pure.

    requested -> confirmed -> processing -> sent -> settled
                 confirmed -> approved -> processing        (amounts that need the operator's yes)
    requested | confirmed | approved -> cancelled
    processing | sent -> failed

The database holds the same table (a trigger in the room's migration), so that no statement can
make another step. A payout that may be on its way cannot be cancelled any more: only the operator,
who has looked at the chain, says that it failed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PayoutStatus(StrEnum):
    """`confirmed`: the amount is reserved. `processing`: the payout is being sent."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    PROCESSING = "processing"
    SENT = "sent"
    SETTLED = "settled"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Booking(StrEnum):
    """What a step books in the ledger; each at most once for a payout, and the step's name there.

    `reserve`: available to payout_in_flight; `release`: back; `settle`: payout_in_flight to paid.
    """

    RESERVE = "reserve"
    RELEASE = "release"
    SETTLE = "settle"


_S = PayoutStatus

#: From where to where. Nothing else happens.
MOVES: Final[dict[PayoutStatus, frozenset[PayoutStatus]]] = {
    _S.REQUESTED: frozenset({_S.CONFIRMED, _S.CANCELLED}),
    _S.CONFIRMED: frozenset({_S.APPROVED, _S.PROCESSING, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.PROCESSING, _S.CANCELLED}),
    _S.PROCESSING: frozenset({_S.SENT, _S.FAILED}),
    _S.SENT: frozenset({_S.SETTLED, _S.FAILED}),
    _S.SETTLED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}

TERMINAL: Final = frozenset(status for status, following in MOVES.items() if not following)

#: States in which the amount stands in `payout_in_flight`.
RESERVED: Final = frozenset({_S.CONFIRMED, _S.APPROVED, _S.PROCESSING, _S.SENT})


def may_move(current: PayoutStatus, to: PayoutStatus, *, needs_approval: bool) -> bool:
    """Whether the table has this step; one that needs approval is not processed without it."""
    if needs_approval and current is _S.CONFIRMED and to is _S.PROCESSING:
        return False
    if not needs_approval and to is _S.APPROVED:
        return False
    return to in MOVES[current]


def booking_of(current: PayoutStatus, to: PayoutStatus) -> Booking | None:
    """What the step books; None where no money moves."""
    if to is _S.CONFIRMED:
        return Booking.RESERVE
    if to is _S.SETTLED:
        return Booking.SETTLE
    if to in (_S.CANCELLED, _S.FAILED) and current in RESERVED:
        return Booking.RELEASE
    return None
