"""What is checked in every answer, whichever provider gave it.

A provider may be hostile, broken, or answer about somebody else's order. An address or an amount
that does not fit what was agreed goes no further than this.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from privata.core.addresses import AddressError, validate_address
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.money import CONTEXT, floor_to
from privata.providers.currencies import Code
from privata.providers.failures import Fault, Refusal, refused, unavailable
from privata.providers.port import Agreed, Asset, Offer, OrderRequest, OrderSnapshot, QuoteRequest

log = logging.getLogger(__name__)

#: Forms of all chains: hex, base58, base64. No mark-up, no blank.
_TX_HASH: Final = re.compile(r"[0-9A-Za-z+/=_-]{20,128}", re.ASCII)

_ORDER_ID: Final = re.compile(r"[0-9A-Za-z_.:-]{1,128}", re.ASCII)

#: The longest wait for a deposit that a provider may name.
MOST_WAIT: Final = timedelta(days=30)

#: What a repeated amount may differ by, of 1.
_LOST: Final = Decimal("0.00001")

#: Of a word that we do not know, in the log.
_SHOWN: Final = 40


def order_id(provider: str, text: str) -> str:
    """The id under which a provider knows an order: it goes into addresses of later calls."""
    if not _ORDER_ID.fullmatch(text) or not text.strip("."):
        raise unavailable(provider, Fault.TEXT, "order id")
    return text


def deposit_address(
    provider: str, asset: Asset, address: str, extra_id: str | None
) -> tuple[str, str | None]:
    """Where the user is to pay, if it is an address of the asset's network."""
    try:
        valid = validate_address(asset.network, address, extra_id)
    except AddressError:
        raise unavailable(provider, Fault.DEPOSIT_ADDRESS) from None
    return valid.address, valid.extra_id


def same_address(network: str, one: str, other: str | None) -> bool:
    """Whether two texts name one address: some providers write it in another case."""
    if one == other:
        return True
    try:
        return other is not None and (
            validate_address(network, one).address == validate_address(network, other).address
        )
    except AddressError:
        return False


def same_payout(provider: str, request: OrderRequest, echoed: str | None) -> None:
    """The provider must have understood where to pay: the fault of the port otherwise."""
    if not same_address(request.target.network, request.payout_address, echoed):
        raise unavailable(provider, Fault.PAYOUT_ADDRESS)


def is_code(expected: Code, ticker: str | None, network: str | None) -> bool:
    """Whether an answer names this currency; case does not matter, and a network may be absent."""
    if ticker is None or ticker.lower() != expected.ticker.lower():
        return False
    return network is None or network.lower() == expected.network.lower()


def same_code(provider: str, expected: Code, ticker: str | None, network: str | None) -> None:
    """The answer must be about the currency that was asked for."""
    if not is_code(expected, ticker, network):
        raise unavailable(provider, Fault.CURRENCY)


def same_amount(provider: str, expected: Decimal, echoed: Decimal | None) -> None:
    """The amount must be the one that was agreed, but for what providers lose when they repeat it:
    some count in doubles, some cut to 8 decimals."""
    if echoed is not None and abs(echoed - expected) > CONTEXT.multiply(expected, _LOST):
        raise unavailable(provider, Fault.AMOUNT)


def offer(
    provider: str,
    request: QuoteRequest,
    amount_from: Decimal,
    amount_to: Decimal,
    *,
    rate_id: str | None = None,
    valid_until: datetime | None = None,
    through: str | None = None,
) -> Offer:
    """The offer in an answer, in the decimals of its assets; the amount asked about is as asked."""
    sent = floor_to(amount_from, request.source.decimals)
    received = floor_to(amount_to, request.target.decimals)
    if sent <= 0 or received <= 0:
        raise unavailable(provider, Fault.AMOUNT, "quote")
    if request.side == "send":
        same_amount(provider, request.amount, sent)
        sent = request.amount
    else:
        same_amount(provider, request.amount, received)
        received = request.amount
    return Offer(provider, sent, received, None, rate_id, valid_until, through, request.markup_bps)


def promised(provider: str, request: OrderRequest, amount_to: Decimal | None) -> Decimal | None:
    """What the provider promises to send; of a fixed rate no less than it offered."""
    if amount_to is None:
        return None
    cut = floor_to(amount_to, request.target.decimals)
    if cut <= 0:
        raise unavailable(provider, Fault.AMOUNT)
    if request.rate_type == "fixed" and cut < request.amount_to:
        raise refused(Refusal.RATE)
    return cut


def tx_hash(provider: str, text: str | None) -> str | None:
    """A transaction's hash as it may be shown and put into links."""
    if text is not None and not _TX_HASH.fullmatch(text):
        raise unavailable(provider, Fault.TX_HASH)
    return text


def status_of(provider: str, word: str, known: Mapping[str, OrderStatus]) -> OrderStatus:
    """Our state for a provider's word; one that we do not know needs a person."""
    status = known.get(word.lower())
    if status is None:
        log.warning("%s: unknown status %r, so a person has to look", provider, word[:_SHOWN])
        return OrderStatus.MANUAL_REVIEW
    return status


def expiry(
    provider: str, request: OrderRequest, named: datetime | None, wait: timedelta
) -> datetime:
    """Until when the deposit is waited for: as the provider says, else as long as its settings do.

    A moment that has passed, or lies further off than `MOST_WAIT`, is none that anybody meant.
    """
    until = request.created_at + wait if named is None else named
    if not request.created_at < until <= request.created_at + MOST_WAIT:
        raise unavailable(provider, Fault.MOMENT, "expiry")
    return until


def sent_amount(order: OrderSnapshot, amount: Decimal | None) -> Decimal | None:
    """The amount that was sent, in the decimals of its asset; None for nothing."""
    cut = None if amount is None else floor_to(amount, order.agreed.target.decimals)
    return cut or None


def reason_of(status: OrderStatus) -> FailedReason | None:
    """Why an order failed, where the provider's answer does not say."""
    return FailedReason.PROVIDER_INTERNAL if status is OrderStatus.FAILED else None


def message_of(status: OrderStatus) -> str | None:
    """The sentence that goes with it."""
    failed = status is OrderStatus.FAILED
    return "The provider could not complete the exchange." if failed else None


def as_agreed(provider: str, order: str, agreed: Agreed, payout_address: str | None) -> bool:
    """Whether a report is about the order that we opened; False needs a person, and is logged."""
    if same_address(agreed.target.network, agreed.payout_address, payout_address):
        return True
    log.error("%s: order %s has another payout address than we gave", provider, order)
    return False


def in_currency(provider: str, order: str, expected: Code | None, shown: Code) -> bool:
    """Whether a report is in the currency that we ordered; False needs a person, and is logged.

    `expected` is None where the provider lists the asset no more: then there is nothing to compare.
    """
    if expected is None or is_code(expected, shown.ticker, shown.network):
        return True
    log.error("%s: order %s pays out another currency than we ordered", provider, order)
    return False
