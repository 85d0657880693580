"""ChangeNOW's v2 wire format: what is read of its answers, and its words in ours.

https://documenter.getpostman.com/view/8180765/SVfTPnM8
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Code, Listed
from privata.providers.failures import AmountRefused, Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits, RateType

_S = OrderStatus

FLOWS: Final[Mapping[RateType, str]] = {"float": "standard", "fixed": "fixed-rate"}

#: `expired` is in no document, and comes all the same.
STATUSES: Final = {
    "new": _S.WAITING_DEPOSIT,
    "waiting": _S.WAITING_DEPOSIT,
    "confirming": _S.CONFIRMING,
    "exchanging": _S.EXCHANGING,
    "sending": _S.SENDING,
    "finished": _S.COMPLETED,
    "failed": _S.FAILED,
    "refunded": _S.REFUNDED,
    "verifying": _S.MANUAL_REVIEW,
    "expired": _S.EXPIRED,
}

_FORBIDDEN: Final = 403

_ERRORS: Final = {
    "deposit_too_small": Refusal.AMOUNT,
    "out_of_range": Refusal.AMOUNT,
    "pair_is_inactive": Refusal.PAIR,
    "not_found": Refusal.UNKNOWN_ORDER,
    "not_available": Refusal.REFUND,
    "not_valid_params": Refusal.OTHER,
    "bad_params": Refusal.OTHER,
    "not_valid_address": Refusal.ADDRESS,
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """An answer of `estimated-amount`."""

    amount_from: Decimal
    amount_to: Decimal
    rate_id: str | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange, as `POST /exchange` and `by-id` show it."""

    id: str
    source: Code
    target: Code
    amount_from: Decimal | None
    amount_to: Decimal | None
    deposit_address: str
    deposit_extra_id: str | None
    payout_address: str | None
    valid_until: datetime | None
    status: str
    actions_available: bool
    tx_in: str | None
    tx_out: str | None
    tx_refund: str | None


def listed(entry: Fields) -> Listed:
    """One currency of the list."""
    code = Code(entry.text("ticker"), entry.text("network"))
    return Listed(code, entry.optional_text("tokenContract"))


def limits(answer: Fields) -> Limits:
    """The minimum and maximum of `range`, or of an error's payload; null is no maximum."""
    return Limits(answer.amount("minAmount"), answer.optional_amount("maxAmount") or NO_MAXIMUM)


def estimate(answer: Fields) -> Estimate:
    """What `estimated-amount` says; its `toAmount` has the fees in it."""
    return Estimate(
        answer.amount("fromAmount"),
        answer.amount("toAmount"),
        answer.optional_text("rateId"),
        answer.optional_moment("validUntil"),
    )


def opened(answer: Fields) -> Exchange:
    """What `POST /exchange` says. Keys that are not used are absent."""
    return _exchange(
        answer, answer.optional_amount("fromAmount"), answer.optional_amount("toAmount")
    )


def exchange(answer: Fields) -> Exchange:
    """What `by-id` says. `amountFrom` and `amountTo` are null until they are known."""
    return _exchange(
        answer, answer.optional_amount("amountFrom"), answer.optional_amount("amountTo")
    )


def _exchange(answer: Fields, amount_from: Decimal | None, amount_to: Decimal | None) -> Exchange:
    return Exchange(
        id=answer.text("id"),
        source=Code(answer.text("fromCurrency"), answer.text("fromNetwork")),
        target=Code(answer.text("toCurrency"), answer.text("toNetwork")),
        amount_from=amount_from,
        amount_to=amount_to,
        deposit_address=answer.text("payinAddress"),
        deposit_extra_id=answer.optional_text("payinExtraId"),
        payout_address=answer.optional_text("payoutAddress"),
        valid_until=answer.optional_moment("validUntil"),
        status=answer.optional_text("status") or "new",
        actions_available=answer.flag("actionsAvailable"),
        tx_in=answer.optional_text("payinHash"),
        tx_out=answer.optional_text("payoutHash"),
        tx_refund=answer.optional_text("refundHash"),
    )


def error(reply: Reply) -> ProviderError:
    """An error in ChangeNOW's shape, as something to raise."""
    answer = reply.fields()
    word = answer.optional_text("error") or ""
    payload = answer.optional_inside("payload")
    bounds = None if payload is None else payload.optional_inside("range")
    if _ERRORS.get(word) is Refusal.AMOUNT:
        return AmountRefused(None if bounds is None else limits(bounds))
    if word in _ERRORS:
        return refused(_ERRORS[word])
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    return answer.fault(Fault.UNKNOWN_ERROR)
