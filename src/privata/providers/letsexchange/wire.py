"""LetsExchange's wire format: what is read of its answers, and its words in ours.

https://api-doc.letsexchange.io
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.core.money import CONTEXT
from privata.providers.currencies import Code, Listed
from privata.providers.failures import Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits

_S = OrderStatus

#: A refund is sent once it has a hash, and on its way until then.
REFUND: Final = "refund"

STATUSES: Final = {
    "wait": _S.WAITING_DEPOSIT,
    "confirmation": _S.CONFIRMING,
    "confirmed": _S.EXCHANGING,
    "exchanging": _S.EXCHANGING,
    "sending": _S.SENDING,
    "sending_confirmation": _S.SENDING,
    "success": _S.COMPLETED,
    "overdue": _S.EXPIRED,
    REFUND: _S.REFUND_REQUIRED,
    "aml_check": _S.MANUAL_REVIEW,
    "aml_check_failed": _S.MANUAL_REVIEW,
    "error": _S.MANUAL_REVIEW,
}

#: What a field that did not pass validation is about; the first of them counts.
_INVALID: Final = {
    "from": Refusal.PAIR,
    "to": Refusal.PAIR,
    "network_from": Refusal.PAIR,
    "network_to": Refusal.PAIR,
    "coin_from": Refusal.PAIR,
    "coin_to": Refusal.PAIR,
    "amount": Refusal.AMOUNT,
    "deposit_amount": Refusal.AMOUNT,
    "rate_id": Refusal.RATE,
    "withdrawal": Refusal.ADDRESS,
    "withdrawal_extra_id": Refusal.ADDRESS,
    "return": Refusal.ADDRESS,
    "return_extra_id": Refusal.ADDRESS,
}

#: 2001 in milliseconds, and the year 5138 in seconds.
_MILLISECONDS: Final = Decimal(10) ** 11

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Info:
    """An answer of `info` or `info-revert`; `amount` is the other one than that asked with."""

    limits: Limits
    amount: Decimal
    rate_id: str | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Transaction:
    """An order, as creation and status show it."""

    id: str
    source: Code
    target: Code
    is_float: bool
    amount_from: Decimal | None
    amount_to: Decimal | None
    deposit_address: str
    deposit_extra_id: str | None
    payout_address: str | None
    valid_until: datetime | None
    status: str
    suspected: bool
    deposited: Decimal | None
    sent: Decimal | None
    tx_in: str | None
    tx_out: str | None
    tx_refund: str | None


def listed(coin: Fields) -> Iterator[Listed]:
    """A coin on each of its networks; both have to be active."""
    ticker = coin.text("code")
    if not coin.flag("is_active"):
        return
    for network in coin.items("networks"):
        if network.flag("is_active"):
            code = Code(ticker, network.text("code"))
            yield Listed(code, network.optional_text("contract_address"))


def info(answer: Fields) -> Info:
    """What `info` and `info-revert` say.

    `min_amount` and `max_amount` may be those of the amount to receive; the ones of the deposit
    have names of their own. A maximum of 0 is none.
    """
    least = answer.optional_amount("deposit_min_amount")
    most = answer.optional_amount("deposit_max_amount")
    if least is None:
        least, most = answer.amount("min_amount"), answer.optional_amount("max_amount")
    ends = [_moment(answer, "rate_id_expired_at"), _moment(answer, "expired_at")]
    return Info(
        limits=Limits(least, most or NO_MAXIMUM),
        amount=answer.amount("amount"),
        rate_id=answer.optional_text("rate_id"),
        valid_until=min((one for one in ends if one is not None), default=None),
    )


def transaction(answer: Fields) -> Transaction:
    """What `transaction` says. `created_at` is not read: it is local time without an offset."""
    return Transaction(
        id=answer.text("transaction_id"),
        source=Code(answer.text("coin_from"), answer.text("coin_from_network")),
        target=Code(answer.text("coin_to"), answer.text("coin_to_network")),
        is_float=answer.flag("is_float", default=True),
        amount_from=answer.optional_amount("deposit_amount"),
        amount_to=answer.optional_amount("withdrawal_amount"),
        deposit_address=answer.text("deposit"),
        deposit_extra_id=answer.optional_text("deposit_extra_id"),
        payout_address=answer.optional_text("withdrawal"),
        valid_until=_moment(answer, "expired_at"),
        status=answer.text("status"),
        suspected=_suspected(answer),
        deposited=answer.optional_amount("real_deposit_amount"),
        sent=answer.optional_amount("real_withdrawal_amount"),
        tx_in=answer.optional_text("hash_in"),
        tx_out=answer.optional_text("hash_out"),
        tx_refund=answer.optional_text("return_hash"),
    )


def _suspected(answer: Fields) -> bool:
    """Whether a check against money laundering has found something, or wants papers."""
    return bool(answer.given("aml_error_signals")) or answer.given("kyc_url") is not None


def _moment(answer: Fields, name: str) -> datetime | None:
    """A moment since the epoch; 0 is none.

    A price ends in milliseconds, as a text, and an order in seconds, as a number: so the size says
    which of the two it is, whatever the field.
    """
    value = answer.optional_amount(name)
    if value is None or value < _MILLISECONDS:
        return answer.optional_seconds(name) if value else None
    seconds = CONTEXT.divide(value, Decimal(1000))
    return Fields("letsexchange", "time", {name: seconds}).optional_seconds(name)


def error(reply: Reply) -> ProviderError:
    """An error in LetsExchange's shape, as something to raise."""
    answer = reply.fields()
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    if answer.given("error") is None:
        return answer.fault(Fault.UNKNOWN_ERROR)
    if reply.status == _NOT_FOUND and reply.call == "status":
        return refused(Refusal.UNKNOWN_ORDER)
    if not isinstance(answer.given("error"), dict):
        return answer.fault(Fault.UNKNOWN_ERROR)
    fields = answer.inside("error").given("validation")
    if not isinstance(fields, dict) or not fields:
        return answer.fault(Fault.UNKNOWN_ERROR)
    return refused(next((_INVALID[one] for one in fields if one in _INVALID), Refusal.OTHER))
