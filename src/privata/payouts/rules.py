"""What may be requested, and what an address or a hash must look like: pure decisions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from privata.core.addresses import AddressError, validate_address
from privata.core.errors import AmountTooHigh, AmountTooLow, InvalidAddress, ValidationFailed
from privata.core.money import floor_to, parse_amount
from privata.payouts.challenges import amount_text
from privata.payouts.currencies import TOKENS, PayoutCurrency

#: Dollars are paid to the cent (docs/ledger.md: 8 decimals inside, 2 outside).
DECIMALS: Final = 2

#: The time in which an organization makes at most so many requests (docs/payouts.md).
REQUESTS_WITHIN: Final = timedelta(hours=24)

MAX_LABEL: Final = 80
MAX_REASON: Final = 256


def read_dollars(text: str) -> Decimal:
    """Dollars with at most two decimals; `ValueError` with a sentence that can be shown."""
    return parse_amount(text, decimals=DECIMALS)


def whole_balance(available: Decimal) -> Decimal:
    """What *full* means: the balance in whole cents; the rest of a cent stays."""
    return floor_to(available, DECIMALS)


def check_amount(amount: Decimal, *, least: Decimal, most: Decimal) -> None:
    """`AmountTooLow` or `AmountTooHigh` outside of what one request may be."""
    data = {"min": amount_text(least), "max": amount_text(most)}
    if amount < least:
        fields = [("amount", f"must be at least {data['min']}")]
        raise AmountTooLow(f"The minimum payout is {data['min']} USD.", fields=fields, data=data)
    if amount > most:
        fields = [("amount", f"must be at most {data['max']}")]
        raise AmountTooHigh(f"The maximum payout is {data['max']} USD.", fields=fields, data=data)


def check_address(currency: PayoutCurrency, text: str) -> str:
    """The address in the form to pay to; `InvalidAddress` (field `address`) says what is wrong.

    Format and checksum by the rules of the network; a token's own contract, and an address that no
    wallet has, are refused: what is sent there is lost, or nobody can prove that it is theirs.
    """
    try:
        valid = validate_address(currency.network, text)
    except AddressError as error:
        raise InvalidAddress(f"{error.message}.", fields=[("address", error.fragment)]) from None
    return valid.address


def check_hash(currency: PayoutCurrency, text: str) -> str:
    """The transaction's hash in its chain's form; `ValidationFailed` (field `tx_hash`) if not."""
    token = TOKENS[currency]
    if not token.is_hash(text):
        raise ValidationFailed(
            f"A {currency} transaction hash must be {token.hash_words}.",
            fields=[("tx_hash", f"must be {token.hash_words}")],
        )
    return text


def check_label(text: str) -> str:
    """What a partner calls an address: up to 80 printable characters, or nothing."""
    label = text.strip()
    if len(label) > MAX_LABEL or not (label.isprintable() or not label):
        rule = f"must be at most {MAX_LABEL} characters on one line"
        raise ValidationFailed(f"The label {rule}.", fields=[("label", rule)])
    return label


def check_reason(text: str) -> str:
    """Why a payout ended, told to the partner: 1 to 256 printable characters."""
    reason = text.strip()
    if not reason or len(reason) > MAX_REASON or not reason.isprintable():
        rule = f"must be 1 to {MAX_REASON} characters on one line"
        raise ValidationFailed(f"The reason {rule}.", fields=[("reason", rule)])
    return reason
