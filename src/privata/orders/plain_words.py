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
    _S.CONFIRMING: "Payment seen, being confirmed",
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
        "Your payment has been seen",
        "The network is confirming it. You do not need to do anything.",
        "info",
        "loader",
    ),
    _S.EXCHANGING: Words(
        "Your exchange is under way",
        "You do not need to do anything.",
        "info",
        "arrow-left-right",
    ),
    _S.SENDING: Words(
        "On its way to you",
        "The payout has been handed to the network.",
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
        "No payment arrived in time. Do not send anything to its address; make a new order.",
        "warn",
        "timer-off",
    ),
    _S.FAILED: Words(
        "This exchange could not be completed",
        "Ask the support of the app in which you made it, and name the order number below.",
        "bad",
        "circle-x",
    ),
    _S.REFUND_REQUIRED: Words(
        "Your payment is being returned",
        "The exchange could not go ahead. The app in which you made it is arranging your refund.",
        "warn",
        "undo-2",
    ),
    _S.REFUNDED: Words(
        "Your payment was returned",
        "The exchange could not go ahead, and your payment was sent back, less the network's fee.",
        "info",
        "undo-2",
    ),
    _S.MANUAL_REVIEW: Words(
        "A person is looking at this order",
        "It takes longer than usual, and nothing is lost. The app in which you made it can tell"
        " you more.",
        "warn",
        "eye",
    ),
}

#: What is said of an expired order whose payment came after all.
_LATE: dict[str, Words] = {
    LateState.SEEN: Words(
        "Your payment came after this order had expired",
        "It is being looked at. Do not send it again; the app in which you made the order can tell"
        " you more.",
        "warn",
        "eye",
    ),
    LateState.SWAPPED: Words(
        "Your payment came late, and was exchanged",
        "This order had expired; the exchange was made at the rate of that time.",
        "ok",
        "circle-check",
    ),
    LateState.REFUNDED: Words(
        "Your payment came late, and was returned",
        "This order had expired; your payment was sent back, less the network's fee.",
        "info",
        "undo-2",
    ),
    LateState.CLOSED: Words(
        "Your payment came after this order had expired",
        "Ask the support of the app in which you made it, and name the order number below.",
        "warn",
        "timer-off",
    ),
}

#: Reasons that help an end user; the others are nobody's business or nobody's fault.
_REASONS: dict[str, str] = {
    FailedReason.UNDERPAYMENT: "Less arrived than the order was made for.",
    FailedReason.OVERPAYMENT: "More arrived than the order was made for.",
    FailedReason.AMOUNT_OUT_OF_RANGE: "The amount was outside the limits.",
    FailedReason.RATE_CHANGED: "The rate changed before the payment arrived.",
    FailedReason.NETWORK_CONGESTION: "The network was too busy.",
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
