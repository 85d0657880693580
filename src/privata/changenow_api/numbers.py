"""Amounts as ChangeNOW's clients read them: JSON numbers with a decimal point, exact to the digit.

Nothing goes through a float: the digits of the `Decimal` are the digits of the number.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import msgspec

from privata.core.money import CONTEXT, format_amount, parse_amount
from privata.providers.port import NO_MAXIMUM

#: Wallets also write exponents. Longer numbers are no amounts.
_WRITTEN: Final = re.compile(r"\d{1,60}(\.\d{1,60})?([eE][-+]?\d{1,2})?", re.ASCII)


def number(value: Decimal, decimals: int) -> msgspec.Raw:
    """The amount at the decimals of its asset."""
    return number_of(format_amount(value, decimals))


def number_of(text: str) -> msgspec.Raw:
    """The number of a decimal string of ours."""
    return msgspec.Raw((text if "." in text else f"{text}.0").encode())


def number_or_null(value: Decimal | None, decimals: int) -> msgspec.Raw | None:
    """The amount, or null where there is none."""
    return None if value is None else number(value, decimals)


def ceiling(maximum: Decimal, decimals: int) -> msgspec.Raw | None:
    """A maximum, or null where there is none."""
    return None if maximum >= NO_MAXIMUM else number(maximum, decimals)


def read_amount(text: str) -> Decimal:
    """The amount of a string or number as it was written; `ValueError` with a sentence."""
    if not _WRITTEN.fullmatch(text):
        raise ValueError("must be a positive decimal number such as 0.25")
    return parse_amount(f"{Decimal(text).normalize(CONTEXT):f}")
