"""Amounts: decimal strings on the wire, `Decimal` inside, never floats.

The grammar is strict on purpose: `Decimal()` alone also takes NaN, exponents, underscores and
digits of other scripts. More decimals than an asset has are an error, never a rounding.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

#: Wide enough for any product of two stored amounts; the default context would round at 28 digits.
CONTEXT = Context(prec=100)

#: What a NUMERIC(60, 24) column holds in front of the point.
MAX_INTEGER_DIGITS = 36
MAX_DECIMALS = 24

_AMOUNT = re.compile(rf"(0|[1-9][0-9]{{0,{MAX_INTEGER_DIGITS - 1}}})(\.[0-9]{{1,{MAX_DECIMALS}}})?")

#: The grammar for a JSON schema, with "more than zero" in it.
AMOUNT_PATTERN = (
    rf"^([1-9][0-9]{{0,{MAX_INTEGER_DIGITS - 1}}}(\.[0-9]{{1,{MAX_DECIMALS}}})?"
    rf"|0\.0{{0,{MAX_DECIMALS - 1}}}[1-9][0-9]{{0,{MAX_DECIMALS - 1}}})$"
)
MAX_AMOUNT_CHARS = MAX_INTEGER_DIGITS + 1 + MAX_DECIMALS


def parse_amount(text: str, *, decimals: int = MAX_DECIMALS) -> Decimal:
    """Read a positive amount; `ValueError` with a sentence that can be shown otherwise."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError("must be a decimal number such as 0.25, without sign, exponent or spaces")
    value = Decimal(text)
    if value <= 0:
        raise ValueError("must be greater than zero")
    if -_exponent(value) > decimals:
        raise ValueError(f"must have at most {decimals} decimals")
    return value


def format_amount(value: Decimal, decimals: int) -> str:
    """The decimal string at `decimals` places without trailing zeros, never with an exponent."""
    text = f"{floor_to(value, decimals):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_significant(value: Decimal, digits: int) -> str:
    """The decimal string of the first `digits` significant digits, cut off and not rounded.

    Without trailing zeros and never with an exponent: small numbers keep as much as large ones.
    """
    if not value:
        return "0"
    return format_amount(value, max(0, digits - 1 - value.adjusted()))


def floor_to(value: Decimal, decimals: int) -> Decimal:
    """Cut to `decimals` places; what a user receives is never rounded up."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN, context=CONTEXT)


def usd(value: Decimal) -> Decimal:
    """Round to cents at the edge, half to even (docs/ledger.md)."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN, context=CONTEXT)


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # the grammar refuses NaN and Infinity
    return exponent
