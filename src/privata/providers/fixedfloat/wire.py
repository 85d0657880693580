"""FixedFloat's v2 wire format: signing, the envelope, and what is read of its answers.

https://ff.io/api
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Code, Listed
from privata.providers.failures import AmountRefused, Fault, refused
from privata.providers.fields import Fields
from privata.providers.fixedfloat.config import FixedFloatSettings
from privata.providers.http.client import Reply
from privata.providers.port import Limits

_S = OrderStatus

STATUSES: Final = {
    "new": _S.WAITING_DEPOSIT,
    "pending": _S.CONFIRMING,
    "exchange": _S.EXCHANGING,
    "withdraw": _S.SENDING,
    "done": _S.COMPLETED,
    "expired": _S.EXPIRED,
    "emergency": _S.REFUND_REQUIRED,
}

#: What was chosen for an order in `EMERGENCY`.
CHOICES: Final = {
    "none": _S.REFUND_REQUIRED,
    "refund": _S.REFUND_REQUIRED,
    "exchange": _S.EXCHANGING,
}
REFUND: Final = "refund"

CONTENT_TYPE: Final = "application/json; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Price:
    """What `price` says; `errors` are words of it that speak against an order."""

    source: Code
    target: Code
    amount_from: Decimal
    amount_to: Decimal
    limits: Limits
    errors: list[str]


@dataclass(frozen=True, slots=True)
class Order:
    """An order, as `create` and `order` show it."""

    id: str
    token: str | None
    status: str
    choice: str
    source: Code
    target: Code
    amount_from: Decimal | None
    amount_to: Decimal | None
    deposit_address: str
    deposit_tag: str | None
    payout_address: str | None
    expires_at: datetime | None
    deposited: Decimal | None
    sent: Decimal | None
    tx_in: str | None
    tx_out: str | None
    tx_back: str | None


def signature(secret: str, body: bytes) -> str:
    """Of the exact bytes that are sent: there is no nonce and no time in it."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def opened_envelope(reply: Reply, settings: FixedFloatSettings) -> Fields:
    """The envelope of a success. An error is one by its `code`, most often under HTTP 200."""
    answer = reply.fields()
    if answer.amount("code") == 0 and reply.ok:
        return answer
    text = (answer.optional_text("msg") or "").lower()
    if any(word in text for word in settings.credential_words):
        raise answer.fault(Fault.CREDENTIALS)
    for part, refusal in settings.messages.items():
        if part in text:
            raise refused(refusal)
    raise answer.fault(Fault.UNKNOWN_ERROR)


def listed(entry: Fields) -> Listed | None:
    """A currency of `ccies`; None for one that it does not take and pay just now."""
    if not (entry.flag("recv") and entry.flag("send")):
        return None
    code = Code(entry.text("code"), "")
    return Listed(code, ticker=entry.text("coin"), network=entry.text("network"))


def price(data: Fields) -> Price:
    """What `price` says."""
    source, target = data.inside("from"), data.inside("to")
    return Price(
        source=_code(source),
        target=_code(target),
        amount_from=source.amount("amount"),
        amount_to=target.amount("amount"),
        limits=Limits(source.amount("min"), source.amount("max")),
        errors=data.words("errors"),
    )


def refuse_price(priced: Price, settings: FixedFloatSettings, answer: Fields) -> None:
    """Raise what the errors of a price mean."""
    for word in priced.errors:
        refusal = settings.price_errors.get(word.upper())
        if refusal is None:
            raise answer.fault(Fault.UNKNOWN_ERROR, "errors")
        error = refused(refusal)
        raise AmountRefused(priced.limits) if isinstance(error, AmountRefused) else error


def order(data: Fields) -> Order:
    """What `create` and `order` say."""
    source, target = data.inside("from"), data.inside("to")
    back, emergency = data.optional_inside("back"), data.optional_inside("emergency")
    times = data.optional_inside("time")
    return Order(
        id=data.text("id"),
        token=data.optional_text("token"),
        status=data.text("status"),
        choice=(emergency and emergency.optional_text("choice")) or "NONE",
        source=_code(source),
        target=_code(target),
        amount_from=source.optional_amount("amount"),
        amount_to=target.optional_amount("amount"),
        deposit_address=source.text("address"),
        deposit_tag=source.optional_text("tag"),
        payout_address=target.optional_text("address"),
        expires_at=times.optional_seconds("expiration") if times else None,
        deposited=_of_tx(source).optional_amount("amount"),
        sent=_of_tx(target).optional_amount("amount"),
        tx_in=_of_tx(source).optional_text("id"),
        tx_out=_of_tx(target).optional_text("id"),
        tx_back=_of_tx(back).optional_text("id") if back else None,
    )


def _code(side: Fields) -> Code:
    return Code(side.text("code"), "")


def _of_tx(side: Fields) -> Fields:
    return side.optional_inside("tx") or Fields("", "tx", {})
