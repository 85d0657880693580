"""SideShift's v2 wire format: what is read of its answers, and its words in ours.

https://docs.sideshift.ai
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Code, Listed
from privata.providers.failures import Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import Limits

_S = OrderStatus

STATUSES: Final = {
    "waiting": _S.WAITING_DEPOSIT,
    "pending": _S.CONFIRMING,
    "processing": _S.EXCHANGING,
    "review": _S.MANUAL_REVIEW,
    "settling": _S.SENDING,
    "settled": _S.COMPLETED,
    "refund": _S.REFUND_REQUIRED,
    "refunding": _S.REFUND_REQUIRED,
    "refunded": _S.REFUNDED,
    "expired": _S.EXPIRED,
    "dead": _S.FAILED,
}
REFUNDING: Final = "refunding"

#: Several deposits came: each has a status of its own.
MULTIPLE: Final = "multiple"

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404

#: How the texts of errors begin or what they have in them, in lower case.
_TEXTS: Final = (
    ("amount too low", Refusal.AMOUNT),
    ("amount too high", Refusal.AMOUNT),
    ("invalid coin", Refusal.PAIR),
    ("invalid pair", Refusal.PAIR),
    ("invalid receiving address", Refusal.ADDRESS),
    ("invalid refunddestination", Refusal.ADDRESS),
    ("address belongs to sideshift", Refusal.ADDRESS),
    ("quote", Refusal.RATE),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """What `pair` says: an indicative rate."""

    rate: Decimal
    limits: Limits


@dataclass(frozen=True, slots=True)
class Quote:
    """A fixed rate."""

    id: str
    amount_from: Decimal
    amount_to: Decimal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """An order. The deposit address goes away after some weeks."""

    id: str
    status: str
    source: Code
    target: Code
    deposit_address: str | None
    deposit_memo: str | None
    payout_address: str | None
    refund_address: str | None
    least: Decimal | None
    most: Decimal | None
    amount_from: Decimal | None
    amount_to: Decimal | None
    expires_at: datetime | None
    tx_in: str | None
    tx_out: str | None
    tx_refund: str | None
    deposits: list[str]


def listed(coin: Fields) -> Iterator[Listed]:
    """A coin on each of its networks, but those that are offline for deposits or payments."""
    ticker, details = coin.text("coin"), coin.optional_inside("tokenDetails")
    for network in coin.words("networks"):
        if _offline(coin, "depositOffline", network) or _offline(coin, "settleOffline", network):
            continue
        token = None if details is None else details.optional_inside(network)
        contract = None if token is None else token.optional_text("contractAddress")
        yield Listed(Code(ticker, network), contract)


def _offline(coin: Fields, name: str, network: str) -> bool:
    """A boolean, or the list of networks that it is true for."""
    value = coin.given(name)
    return network in value if isinstance(value, list) else coin.flag(name)


def pair(answer: Fields) -> Pair:
    """What `pair` says."""
    return Pair(answer.amount("rate"), Limits(answer.amount("min"), answer.amount("max")))


def quote(answer: Fields) -> Quote:
    """What `quotes` says."""
    return Quote(
        answer.text("id"),
        answer.amount("depositAmount"),
        answer.amount("settleAmount"),
        answer.moment("expiresAt"),
    )


def codes(answer: Fields) -> tuple[Code, Code]:
    """The currencies that an answer is about."""
    source = Code(answer.text("depositCoin"), answer.text("depositNetwork"))
    return source, Code(answer.text("settleCoin"), answer.text("settleNetwork"))


def shift(answer: Fields, refund_hash: str) -> Shift:
    """What creating and reading a shift say."""
    source, target = codes(answer)
    return Shift(
        id=answer.text("id"),
        status=answer.text("status"),
        source=source,
        target=target,
        deposit_address=answer.optional_text("depositAddress"),
        deposit_memo=answer.optional_text("depositMemo"),
        payout_address=answer.optional_text("settleAddress"),
        refund_address=answer.optional_text("refundAddress"),
        least=answer.optional_amount("depositMin"),
        most=answer.optional_amount("depositMax"),
        amount_from=answer.optional_amount("depositAmount"),
        amount_to=answer.optional_amount("settleAmount"),
        expires_at=answer.optional_moment("expiresAt"),
        tx_in=answer.optional_text("depositHash"),
        tx_out=answer.optional_text("settleHash"),
        tx_refund=answer.optional_text(refund_hash),
        deposits=[one.text("status") for one in answer.items("deposits")],
    )


def error(reply: Reply) -> ProviderError:
    """An error of SideShift, as something to raise. Older answers have the message alone."""
    answer = reply.fields()
    inner = answer if isinstance(answer.given("error"), str) else answer.optional_inside("error")
    inner = inner or answer
    text = (inner.optional_text("message") or "").lower()
    for part, refusal in _TEXTS:
        if part in text:
            return refused(refusal)
    if reply.status == _FORBIDDEN:
        return refused(Refusal.COUNTRY)
    if reply.status == _NOT_FOUND:
        return refused(Refusal.UNKNOWN_ORDER)
    return refused(Refusal.OTHER) if text else answer.fault(Fault.UNKNOWN_ERROR)
