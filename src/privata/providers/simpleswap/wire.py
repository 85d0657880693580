"""SimpleSwap's v3 wire format: what is read of its answers, and its words in ours.

https://api.simpleswap.io/docs/
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
from privata.providers.failures import Fault, Refusal, refused
from privata.providers.fields import Fields, objects
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits, RateType

_S = OrderStatus

TYPES: Final[Mapping[RateType, str]] = {"float": "floating", "fixed": "fixed"}

STATUSES: Final = {
    "waiting": _S.WAITING_DEPOSIT,
    "confirming": _S.CONFIRMING,
    "exchanging": _S.EXCHANGING,
    "sending": _S.SENDING,
    "finished": _S.COMPLETED,
    "verifying": _S.MANUAL_REVIEW,
    "expired": _S.EXPIRED,
    "failed": _S.FAILED,
    "refunded": _S.REFUNDED,
}

#: An error has one of them.
_EXPLAINED: Final = ("description", "message", "error")

_WRAPPER: Final = "result"
_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class Estimate:
    """An answer of `estimates`: the other amount than the one asked with."""

    amount: Decimal
    rate_id: str | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange, as creation and status show it."""

    id: str
    type: str | None
    source: Code
    target: Code
    amount_from: Decimal | None
    amount_to: Decimal | None
    deposit_address: str
    deposit_extra_id: str | None
    payout_address: str | None
    valid_until: datetime | None
    status: str
    tx_in: str | None
    tx_out: str | None


def unwrapped(reply: Reply) -> Fields:
    """The answer as an object, with or without its wrapper: it comes in both forms."""
    answer = reply.fields()
    return answer.inside(_WRAPPER) if answer.given(_WRAPPER) is not None else answer


def listed(reply: Reply) -> list[Listed]:
    """The currencies of the list, which comes in both forms too."""
    value = reply.value
    if not isinstance(value, list):
        value = reply.fields().given(_WRAPPER)
    return [_currency(entry) for entry in objects(reply.provider, reply.call, value)]


def _currency(entry: Fields) -> Listed:
    ticker = entry.optional_text("ticker") or entry.text("symbol")
    return Listed(Code(ticker, entry.text("network")), entry.optional_text("contractAddress"))


def limits(answer: Fields) -> Limits:
    """What `ranges` says; null is no maximum."""
    return Limits(answer.amount("min"), answer.optional_amount("max") or NO_MAXIMUM)


def estimate(answer: Fields) -> Estimate:
    """What `estimates` says; only a fixed rate has an ID."""
    return Estimate(
        answer.amount("estimatedAmount"),
        answer.optional_text("rateId"),
        answer.optional_moment("validUntil"),
    )


def exchange(answer: Fields) -> Exchange:
    """What `exchanges` says. `publicId` is the ID for later calls, where there are two."""
    return Exchange(
        id=answer.optional_text("publicId") or answer.text("id"),
        type=answer.optional_text("type"),
        source=Code(answer.text("tickerFrom"), answer.text("networkFrom")),
        target=Code(answer.text("tickerTo"), answer.text("networkTo")),
        amount_from=answer.optional_amount("amountFrom"),
        amount_to=answer.optional_amount("amountTo"),
        deposit_address=answer.text("addressFrom"),
        deposit_extra_id=answer.optional_text("extraIdFrom"),
        payout_address=answer.optional_text("addressTo"),
        valid_until=answer.optional_moment("validUntil"),
        status=answer.text("status"),
        tx_in=answer.optional_text("txFrom"),
        tx_out=answer.optional_text("txTo"),
    )


def error(reply: Reply, refusals: Mapping[tuple[str, int], Refusal]) -> ProviderError:
    """An error, as something to raise. Its words are in no document, so that its status counts."""
    answer = reply.fields()
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    reason = refusals.get((reply.call, reply.status))
    if reason is None or all(answer.given(name) is None for name in _EXPLAINED):
        return answer.fault(Fault.UNKNOWN_ERROR)
    return refused(reason)
