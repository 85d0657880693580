"""Why a provider's call failed: the two families of the port, with named reasons.

A refusal is the provider's decision and final. A fault is its state: down, slow, or an answer that
means nothing. What an adapter raises is made here, so that each message is a sentence of ours:
what a provider wrote may be hostile, and goes into the log only, cleaned and cut.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.providers.port import Limits


class Refusal(StrEnum):
    """Why a provider said no."""

    AMOUNT = "amount"
    PAIR = "pair"
    ADDRESS = "address"
    RATE = "rate"
    UNKNOWN_ORDER = "unknown_order"
    REFUND = "refund"
    COUNTRY = "country"
    OTHER = "other"


class Fault(StrEnum):
    """Why a provider gave no answer that means anything."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    OUR_RATE = "our_rate"
    CREDENTIALS = "credentials"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    ENCODED = "encoded"
    NOT_JSON = "not_json"
    SHAPE = "shape"
    NUMBER = "number"
    TEXT = "text"
    MOMENT = "moment"
    CURRENCY = "currency"
    AMOUNT = "amount"
    DEPOSIT_ADDRESS = "deposit_address"
    PAYOUT_ADDRESS = "payout_address"
    OTHER_ORDER = "other_order"
    TX_HASH = "tx_hash"
    STALE = "stale"
    UNKNOWN_ERROR = "unknown_error"
    DEFECT = "defect"
    RESTING = "resting"
    NOT_SET_UP = "not_set_up"


_REFUSED: Final = {
    Refusal.AMOUNT: "The amount is outside the limits of this pair.",
    Refusal.PAIR: "It does not swap this pair now.",
    Refusal.ADDRESS: "It does not accept one of the addresses or extra IDs.",
    Refusal.RATE: "The rate changed. Request a new quote.",
    Refusal.UNKNOWN_ORDER: "It does not know this order.",
    Refusal.REFUND: "It does not refund this order.",
    Refusal.COUNTRY: "It does not serve the country of the user.",
    Refusal.OTHER: "It gave no reason that we know.",
}

_UNAVAILABLE: Final = {
    Fault.TIMEOUT: "did not answer in time",
    Fault.CONNECTION: "could not be reached",
    Fault.SERVER_ERROR: "answered with a server error",
    Fault.RATE_LIMITED: "asked us to call less often",
    Fault.OUR_RATE: "was not called: our own rate limit for it is used up",
    Fault.CREDENTIALS: "does not accept our credentials",
    Fault.REDIRECT: "answered with a redirect",
    Fault.TOO_LARGE: "sent an answer that is too large",
    Fault.ENCODED: "sent a compressed answer that we did not ask for",
    Fault.NOT_JSON: "sent an answer that is no JSON",
    Fault.SHAPE: "sent an answer of another shape",
    Fault.NUMBER: "sent a number that no amount has",
    Fault.TEXT: "sent a text that is too long or cannot be shown",
    Fault.MOMENT: "sent a time that is none",
    Fault.CURRENCY: "answered for another currency",
    Fault.AMOUNT: "answered for another amount",
    Fault.DEPOSIT_ADDRESS: "sent a deposit address that its network does not have",
    Fault.PAYOUT_ADDRESS: "answered with another payout address",
    Fault.OTHER_ORDER: "answered about another order",
    Fault.TX_HASH: "sent a transaction hash that is none",
    Fault.STALE: "answered with a price that is too old",
    Fault.UNKNOWN_ERROR: "answered with an error that we do not know",
    Fault.DEFECT: "was not understood: its adapter has a defect",
    Fault.RESTING: "is not called for a while: it failed again and again",
    Fault.NOT_SET_UP: "is not set up, or not for this environment",
}


class AmountRefused(ProviderRefused):
    """The amount lies outside the pair's limits; `limits` are what the provider says they are."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(_REFUSED[Refusal.AMOUNT], reason=Refusal.AMOUNT)
        self.limits = limits


def refused(reason: Refusal) -> ProviderRefused:
    """The provider's no, as something to raise."""
    if reason is Refusal.AMOUNT:
        return AmountRefused()
    return ProviderRefused(_REFUSED[reason], reason=reason)


def unavailable(
    provider: str, fault: Fault, detail: str = "", *, retry_after_s: float | None = None
) -> ProviderUnavailable:
    """The lack of an answer, as something to raise. `detail` is ours: a call and a field's name."""
    where = f" ({detail})" if detail else ""
    return ProviderUnavailable(
        f"{provider} {_UNAVAILABLE[fault]}{where}.", reason=fault, retry_after_s=retry_after_s
    )
