"""Trocador's wire format: what is read of its answers, and its words in ours.

https://trocador.app/en/docs/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Code, Listed
from privata.providers.failures import Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits, OrderSecret

_S = OrderStatus

#: In a query. "No memo" is 0, in answers too.
TRUE: Final = "True"
FALSE: Final = "False"
NO_MEMO: Final = "0"

STATUSES: Final = {
    "new": _S.WAITING_DEPOSIT,
    "waiting": _S.WAITING_DEPOSIT,
    "confirming": _S.CONFIRMING,
    "sending": _S.SENDING,
    "finished": _S.COMPLETED,
    "paid partially": _S.MANUAL_REVIEW,
    "paid_partially": _S.MANUAL_REVIEW,
    "halted": _S.MANUAL_REVIEW,
    "failed": _S.REFUND_REQUIRED,
    "expired": _S.EXPIRED,
    "refunded": _S.REFUNDED,
}

#: The network of every native coin.
_NATIVE: Final = "mainnet"

#: What an exchange behind it wants to see: its own ID of the order, and its password.
_SECRETS: Final = ("provider", "id_provider", "password")

#: Statuses with which an error comes; a success may be one too.
_ERRORS: Final = frozenset({200, 400, 404})
_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class Quote:
    """One exchange's price. `amount_from` is absent where it is the one asked with."""

    provider: str
    fixed: bool
    amount_from: Decimal | None
    amount_to: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """An answer of `new_rate`."""

    id: str
    source: Code
    target: Code
    amount_from: Decimal | None
    provider: str | None
    fixed: bool
    limits: Limits
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Trade:
    """An order, as creation and status show it."""

    id: str
    source: Code
    target: Code
    amount_from: Decimal | None
    amount_to: Decimal | None
    provider: str | None
    fixed: bool
    deposit_address: str
    deposit_extra_id: str | None
    payout_address: str | None
    status: str
    tx_out: str | None
    secret: OrderSecret | None


def through(provider: str) -> str:
    """An exchange's name as our adapters are called: `ChangeNow` is `changenow`."""
    return "".join(char for char in provider.lower() if char.isascii() and char.isalnum())


def listed(coin: Fields) -> Listed:
    """One coin of the list."""
    code = Code(coin.text("ticker"), coin.text("network"))
    native = code.network.lower() == _NATIVE
    return Listed(code, network=f"{code.ticker} {code.network}" if native else code.network)


def limits(coin: Fields) -> Limits:
    """The limits of a coin, over all exchanges."""
    return Limits(coin.amount("minimum"), coin.optional_amount("maximum") or NO_MAXIMUM)


def rate(answer: Fields) -> Rate:
    """What `new_rate` says: numbers at the top, and texts in the prices."""
    prices = answer.optional_inside("quotes")
    return Rate(
        id=answer.text("trade_id"),
        source=Code(answer.text("ticker_from"), answer.text("network_from")),
        target=Code(answer.text("ticker_to"), answer.text("network_to")),
        amount_from=answer.optional_amount("amount_from"),
        provider=answer.optional_text("provider"),
        fixed=answer.flag("fixed"),
        limits=Limits(
            answer.optional_amount("min_deposit") or Decimal(0),
            answer.optional_amount("max_deposit") or NO_MAXIMUM,
        ),
        quotes=() if prices is None else tuple(map(_quote, prices.items("quotes"))),
    )


def _quote(answer: Fields) -> Quote:
    return Quote(
        answer.text("provider"),
        answer.flag("fixed"),
        answer.optional_amount("amount_from"),
        answer.amount("amount_to"),
    )


def trade(answer: Fields) -> Trade:
    """What `new_trade` says, and `trade` in a list of one."""
    memo = answer.optional_text("address_provider_memo")
    details = answer.optional_inside("details")
    secrets = {name: answer.optional_text(name) for name in _SECRETS}
    known = {name: value for name, value in secrets.items() if value is not None}
    return Trade(
        id=answer.text("trade_id"),
        source=Code(answer.text("ticker_from"), answer.text("network_from")),
        target=Code(answer.text("ticker_to"), answer.text("network_to")),
        amount_from=answer.optional_amount("amount_from"),
        amount_to=answer.optional_amount("amount_to"),
        provider=secrets["provider"],
        fixed=answer.flag("fixed"),
        deposit_address=answer.text("address_provider"),
        deposit_extra_id=None if memo == NO_MEMO else memo,
        payout_address=answer.optional_text("address_user"),
        status=answer.text("status"),
        tx_out=None if details is None else details.optional_text("hashout"),
        secret=OrderSecret(known) if known else None,
    )


def failed(reply: Reply) -> bool:
    """Whether an answer is an error: some come as a success."""
    return not reply.ok or (isinstance(reply.value, dict) and bool(reply.value.get("error")))


def error(reply: Reply, refusals: Mapping[str, Refusal]) -> ProviderError:
    """An error, as something to raise. Its words are in no document, so that its call counts."""
    answer = reply.fields()
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    reason = refusals.get(reply.call)
    if reason is None or reply.status not in _ERRORS or answer.given("error") is None:
        return answer.fault(Fault.UNKNOWN_ERROR)
    return refused(reason)
