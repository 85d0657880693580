"""Exolix's v2 wire format: what is read of its answers, and its words in ours.

https://exolix.com/developers
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Code, Listed
from privata.providers.failures import AmountRefused, Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits

_S = OrderStatus

STATUSES: Final = {
    "wait": _S.WAITING_DEPOSIT,
    "confirmation": _S.CONFIRMING,
    "confirmed": _S.EXCHANGING,
    "exchanging": _S.EXCHANGING,
    "sending": _S.SENDING,
    "success": _S.COMPLETED,
    "overdue": _S.EXPIRED,
    "deleted": _S.EXPIRED,
    "refund": _S.REFUND_REQUIRED,
    "refunded": _S.REFUNDED,
    "error": _S.FAILED,
}
REFUNDING: Final = "refund"

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404

#: Fields that errors of 400 name, and what is wrong with them.
_FIELDS: Final = {
    "amount": Refusal.AMOUNT,
    "withdrawalAmount": Refusal.AMOUNT,
    "withdrawalAddress": Refusal.ADDRESS,
    "withdrawalExtraId": Refusal.ADDRESS,
    "refundAddress": Refusal.ADDRESS,
    "refundExtraId": Refusal.ADDRESS,
    "coinFrom": Refusal.PAIR,
    "coinTo": Refusal.PAIR,
    "networkFrom": Refusal.PAIR,
    "networkTo": Refusal.PAIR,
}


@dataclass(frozen=True, slots=True)
class Rate:
    """What `rate` says: `refused` if its message speaks against the amount."""

    amount_from: Decimal
    amount_to: Decimal
    limits: Limits | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Transaction:
    """An order."""

    id: str
    status: str
    source: Code
    target: Code
    amount_from: Decimal | None
    amount_to: Decimal | None
    deposit_address: str
    deposit_extra_id: str | None
    payout_address: str | None
    tx_in: str | None
    tx_out: str | None


def listed(coin: Fields) -> Iterator[Listed]:
    """A coin on each of its networks."""
    ticker = coin.text("code")
    for network in coin.items("networks"):
        code = Code(ticker, network.text("network"))
        yield Listed(code, network.optional_text("contract"))


def is_rate(reply: Reply) -> bool:
    """Whether an answer is a rate: one that speaks against an amount comes with 422 too."""
    return isinstance(reply.value, dict) and "minAmount" in reply.value


def rate(answer: Fields) -> Rate:
    """What `rate` says. Its message counts, not the HTTP status."""
    least = answer.optional_amount("minAmount")
    most = answer.optional_amount("maxAmount")
    return Rate(
        amount_from=answer.optional_amount("fromAmount") or Decimal(0),
        amount_to=answer.amount("toAmount"),
        limits=None if least is None else Limits(least, most or NO_MAXIMUM),
        refused=answer.given("message") is not None,
    )


def transaction(answer: Fields) -> Transaction:
    """What creating and reading an order say."""
    return Transaction(
        id=answer.text("id"),
        status=answer.text("status"),
        source=_code(answer.inside("coinFrom")),
        target=_code(answer.inside("coinTo")),
        amount_from=answer.optional_amount("amount"),
        amount_to=answer.optional_amount("amountTo"),
        deposit_address=answer.text("depositAddress"),
        deposit_extra_id=answer.optional_text("depositExtraId"),
        payout_address=answer.optional_text("withdrawalAddress"),
        tx_in=_hash(answer, "hashIn"),
        tx_out=_hash(answer, "hashOut"),
    )


def _code(coin: Fields) -> Code:
    return Code(coin.text("coinCode"), coin.text("network"))


def _hash(answer: Fields, name: str) -> str | None:
    inner = answer.optional_inside(name)
    return None if inner is None else inner.optional_text("hash")


def error(reply: Reply) -> ProviderError:
    """An error in one of Exolix's shapes, as something to raise."""
    answer = reply.fields()
    named = answer.optional_inside("errors")
    if named is not None:
        found = [refusal for name, refusal in _FIELDS.items() if named.given(name) is not None]
        return refused(found[0] if found else Refusal.OTHER)
    if reply.status == _NOT_FOUND:
        return refused(Refusal.UNKNOWN_ORDER)
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    text = (answer.optional_text("message") or answer.optional_text("error") or "").lower()
    if "min" in text.split() or "max" in text.split():
        return AmountRefused()
    if "pair" in text or "coin" in text:
        return refused(Refusal.PAIR)
    return refused(Refusal.OTHER) if text else answer.fault(Fault.UNKNOWN_ERROR)
