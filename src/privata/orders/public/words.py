"""What an end user reads about an order: no jargon, and what to do, if anything."""

from __future__ import annotations

from typing import NamedTuple

from privata.core.lifecycle import FailedReason, OrderStatus
from privata.orders.states import LateState


class Words(NamedTuple):
    """A heading, a sentence, and the tone and icon of both."""

    title: str
    text: str
    tone: str
    icon: str


_S = OrderStatus

#: The straight path in an end user's words.
STAGES: dict[OrderStatus, str] = {
    _S.WAITING_DEPOSIT: "Waiting for your payment",
    _S.CONFIRMING: "Payment detected, confirming",
    _S.EXCHANGING: "Exchanging",
    _S.SENDING: "Sending to your address",
    _S.COMPLETED: "Done",
}

_WORDS: dict[OrderStatus, Words] = {
    _S.WAITING_DEPOSIT: Words(
        "Waiting for your payment",
        "Send exactly the amount below, in one transaction.",
        "info",
        "clock",
    ),
    _S.CONFIRMING: Words(
        "Payment detected",
        "The network is confirming it. You do not need to do anything.",
        "info",
        "loader",
    ),
    _S.EXCHANGING: Words(
        "Your exchange is in progress",
        "You do not need to do anything.",
        "info",
        "arrow-left-right",
    ),
    _S.SENDING: Words(
        "On its way to you",
        "The payout was submitted to the network.",
        "info",
        "send",
    ),
    _S.COMPLETED: Words(
        "Your exchange is complete",
        "The amount below was sent to your address.",
        "ok",
        "circle-check",
    ),
    _S.EXPIRED: Words(
        "This order has expired",
        (
            "No payment arrived in time. Do not send anything to its address. Create a new order "
            "instead."
        ),
        "warn",
        "timer-off",
    ),
    _S.FAILED: Words(
        "This exchange could not be completed",
        "Contact the support team of the app you used, and include the order number below.",
        "bad",
        "circle-x",
    ),
    _S.REFUND_REQUIRED: Words(
        "Your payment is being returned",
        "The exchange could not be completed. The app you used is arranging your refund.",
        "warn",
        "undo-2",
    ),
    _S.REFUNDED: Words(
        "Your payment was returned",
        "The exchange could not be completed, so we returned your payment, minus the network fee.",
        "info",
        "undo-2",
    ),
    _S.MANUAL_REVIEW: Words(
        "This order is under review",
        "This is taking longer than usual, but nothing is lost. Contact the app you used for"
        " details.",
        "warn",
        "eye",
    ),
}

#: What is said of an expired order whose payment came after all.
_LATE: dict[str, Words] = {
    LateState.SEEN: Words(
        "Your payment arrived after this order expired",
        "We are reviewing it. Do not send it again. Contact the app you used for details.",
        "warn",
        "eye",
    ),
    LateState.SWAPPED: Words(
        "Your late payment was exchanged",
        "This order had expired, so the exchange used the rate at the time of your payment.",
        "ok",
        "circle-check",
    ),
    LateState.REFUNDED: Words(
        "Your late payment was returned",
        "This order had expired, so we returned your payment, minus the network fee.",
        "info",
        "undo-2",
    ),
    LateState.CLOSED: Words(
        "Your payment arrived after this order expired",
        "Contact the support team of the app you used, and include the order number below.",
        "warn",
        "timer-off",
    ),
}

#: Reasons that help an end user; the others are nobody's business or nobody's fault.
_REASONS: dict[str, str] = {
    FailedReason.UNDERPAYMENT: "You sent less than the order amount.",
    FailedReason.OVERPAYMENT: "You sent more than the order amount.",
    FailedReason.AMOUNT_OUT_OF_RANGE: "The amount was outside the limits.",
    FailedReason.RATE_CHANGED: "The rate changed before the payment arrived.",
    FailedReason.NETWORK_CONGESTION: "The network was congested.",
}


def words_for(status: OrderStatus, reason: str | None = None, late: str | None = None) -> Words:
    """The words of a status; with the reason of a failure where it helps, and of what came late."""
    if late is not None:
        return _LATE[late]
    words = _WORDS[status]
    why = _REASONS.get(reason or "")
    if why is None or status not in (_S.FAILED, _S.REFUND_REQUIRED, _S.REFUNDED):
        return words
    return words._replace(text=f"{why} {words.text}")
