"""The life of an order (docs/order-lifecycle.md), as data and one pure decision.

    waiting_deposit -> confirming -> exchanging -> sending -> completed
    waiting_deposit -> expired
    any open state  -> failed
    any open state  -> refund_required -> refunded | manual_review
    manual_review   -> refunded | completed | failed      (the operator decides)

A provider that refunds by itself may report it: from an open state by way of refund_required, or
from there. One that says what nobody understands needs a person, by the same way. States never go
backward. A report that jumps ahead is filled in, so that every state in between gets its own
timeline entry and event; one that repeats or would go backward is ignored.
"""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    WAITING_DEPOSIT = "waiting_deposit"
    CONFIRMING = "confirming"
    EXCHANGING = "exchanging"
    SENDING = "sending"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUND_REQUIRED = "refund_required"
    REFUNDED = "refunded"
    MANUAL_REVIEW = "manual_review"


class FailedReason(StrEnum):
    KYT_BLOCK = "kyt_block"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    RATE_CHANGED = "rate_changed"
    PROVIDER_TIMEOUT = "provider_timeout"
    PROVIDER_INTERNAL = "provider_internal"
    UNDERPAYMENT = "underpayment"
    OVERPAYMENT = "overpayment"
    NETWORK_CONGESTION = "network_congestion"
    UNKNOWN = "unknown"


_S = OrderStatus

#: The straight path; a jump along it is filled in.
PATH = (_S.WAITING_DEPOSIT, _S.CONFIRMING, _S.EXCHANGING, _S.SENDING, _S.COMPLETED)

#: States in which the swap itself is still under way.
OPEN = frozenset(PATH[:-1])

TERMINAL = frozenset({_S.COMPLETED, _S.EXPIRED, _S.FAILED, _S.REFUNDED})

#: States that a provider's report may leave; of the others, `refund_required` may be left for
#: `refunded` when the provider sends the deposit back by itself.
REPORTABLE = OPEN

_EXITS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.WAITING_DEPOSIT: frozenset({_S.EXPIRED, _S.FAILED, _S.REFUND_REQUIRED}),
    _S.CONFIRMING: frozenset({_S.FAILED, _S.REFUND_REQUIRED}),
    _S.EXCHANGING: frozenset({_S.FAILED, _S.REFUND_REQUIRED}),
    _S.SENDING: frozenset({_S.FAILED, _S.REFUND_REQUIRED}),
    _S.REFUND_REQUIRED: frozenset({_S.REFUNDED, _S.MANUAL_REVIEW}),
    _S.MANUAL_REVIEW: frozenset({_S.REFUNDED, _S.COMPLETED, _S.FAILED}),
}


def steps(current: OrderStatus, reported: OrderStatus) -> tuple[OrderStatus, ...]:
    """The states to enter, in order, when `reported` arrives in `current`; empty: ignore it."""
    if current in PATH and reported in PATH:
        return PATH[PATH.index(current) + 1 : PATH.index(reported) + 1]
    if current in OPEN and reported in (_S.REFUNDED, _S.MANUAL_REVIEW):
        return (_S.REFUND_REQUIRED, reported)
    if reported in _EXITS.get(current, frozenset()):
        return (reported,)
    return ()


def route(current: OrderStatus, reported: tuple[OrderStatus, ...]) -> tuple[OrderStatus, ...]:
    """The states to enter when several are reported at once, oldest first."""
    entered: tuple[OrderStatus, ...] = ()
    for status in reported:
        refunded = current is _S.REFUND_REQUIRED and status is _S.REFUNDED
        if current in REPORTABLE or refunded:
            entered += steps(current, status)
            current = entered[-1] if entered else current
    return entered
