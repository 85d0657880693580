"""Godex's v1 wire format: what is read of its answers, and its words in ours. https://api.godex.io"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Code, Listed
from privata.providers.failures import Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits

_S = OrderStatus

#: `refund`: it is on its way to the refund address.
REFUNDING: Final = "refund"

STATUSES: Final = {
    "wait": _S.WAITING_DEPOSIT,
    "confirmation": _S.CONFIRMING,
    "confirming": _S.CONFIRMING,
    "confirmed": _S.EXCHANGING,
    "exchanging": _S.EXCHANGING,
    "sending": _S.SENDING,
    "sending_confirmation": _S.SENDING,
    "success": _S.COMPLETED,
    "overdue": _S.EXPIRED,
    "expired": _S.EXPIRED,
    REFUNDING: _S.REFUND_REQUIRED,
    "refunded": _S.REFUNDED,
    "error": _S.MANUAL_REVIEW,
}

_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class Info:
    """An answer of `info` or `info-revert`.

    `amount` is the other amount than the one asked with. `minimum` and `maximum` are in the asset
    of the one asked with.
    """

    minimum: Decimal
    maximum: Decimal
    amount: Decimal | None
    networks_from: frozenset[str]
    networks_to: frozenset[str]

    @property
    def limits(self) -> Limits:
        """The limits of an answer of `info`."""
        return Limits(self.minimum, self.maximum)


@dataclass(frozen=True, slots=True)
class Transaction:
    """An order, as creation and status show it. Either network may be absent."""

    id: str
    source: str
    source_network: str | None
    target: str
    target_network: str | None
    amount_from: Decimal | None
    amount_to: Decimal | None
    deposit_address: str
    deposit_extra_id: str | None
    payout_address: str | None
    status: str
    deposited: Decimal | None
    sent: Decimal | None
    tx_in: str | None
    tx_out: str | None


def listed(coin: Fields) -> Iterator[Listed]:
    """A coin on each of its networks; one that is disabled, or not active there, is left out."""
    ticker = coin.text("code")
    if coin.flag("disabled"):
        return
    networks = coin.items("networks")
    if not networks:
        yield Listed(Code(ticker, ticker))
    for network in networks:
        if network.flag("is_active", default=True):
            code = Code(ticker, network.text("code"))
            yield Listed(code, network.optional_text("contract_address"))


def info(answer: Fields) -> Info:
    """What `info` and `info-revert` say; 0, null, or no maximum is none."""
    return Info(
        minimum=answer.amount("min_amount"),
        maximum=answer.optional_amount("max_amount") or NO_MAXIMUM,
        amount=answer.optional_amount("amount"),
        networks_from=_networks(answer, "networks_from"),
        networks_to=_networks(answer, "networks_to"),
    )


def _networks(answer: Fields, name: str) -> frozenset[str]:
    return frozenset(one.text("network").lower() for one in answer.items(name))


def transaction(answer: Fields) -> Transaction:
    """What `transaction` says. `created_at` is not read: our own clock counts."""
    return Transaction(
        id=answer.text("transaction_id"),
        source=answer.text("coin_from"),
        source_network=answer.optional_text("coin_from_network"),
        target=answer.text("coin_to"),
        target_network=answer.optional_text("coin_to_network"),
        amount_from=answer.optional_amount("deposit_amount"),
        amount_to=answer.optional_amount("withdrawal_amount"),
        deposit_address=answer.text("deposit"),
        deposit_extra_id=answer.optional_text("deposit_extra_id"),
        payout_address=answer.optional_text("withdrawal"),
        status=answer.text("status"),
        deposited=answer.optional_amount("real_deposit_amount"),
        sent=answer.optional_amount("real_withdrawal_amount"),
        tx_in=answer.optional_text("hash_in"),
        tx_out=answer.optional_text("hash_out"),
    )


def error(reply: Reply, refusals: Mapping[tuple[str, int], Refusal]) -> ProviderError:
    """An error, as something to raise. Its text is in no document, so that its status counts."""
    answer = reply.fields()
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    reason = refusals.get((reply.call, reply.status))
    if reason is None or (answer.given("error") is None and answer.given("message") is None):
        return answer.fault(Fault.UNKNOWN_ERROR)
    return refused(reason)
