"""Amounts: exact from the wire and back, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.money import (
    CONTEXT,
    floor_to,
    format_amount,
    format_significant,
    parse_amount,
    usd,
)


@pytest.mark.parametrize(
    "text",
    [
        "", " 1", "1 ", "+1", "-1", "01", "1.", ".5", "1e3", "1_000", "NaN", "Infinity", "0x10",
        "１", "٣", "1,5", "0", "0.000", "1" * 37, "0." + "1" * 25, "1\n",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be|must have"):
        parse_amount(text)


def test_more_decimals_than_the_asset_has_are_an_error_not_a_rounding() -> None:
    assert parse_amount("0.12345678", decimals=8) == Decimal("0.12345678")
    with pytest.raises(ValueError, match="at most 8 decimals"):
        parse_amount("0.123456789", decimals=8)


@given(st.integers(1, 10**36 - 1), st.integers(0, 24))
def test_every_amount_survives_the_round_trip(units: int, decimals: int) -> None:
    value = CONTEXT.scaleb(Decimal(units), -decimals)
    assert parse_amount(format_amount(value, decimals)) == value


@given(st.decimals(0, 10**12, places=18), st.integers(0, 18))
def test_flooring_never_gives_more(value: Decimal, places: int) -> None:
    cut = floor_to(value, places)
    assert 0 <= value - cut < Decimal(1).scaleb(-places)


def test_dollars_round_half_to_even() -> None:
    assert [str(usd(Decimal(x))) for x in ("0.125", "0.135", "2.5")] == ["0.12", "0.14", "2.50"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.00000000000001234567890123456", "0.0000000000000123456789012"),
        ("19.684000000000", "19.684"),
        ("123456789012.5", "123456789012"),
        ("1234567890123456", "1234567890123456"),
        ("0.1999999999999", "0.199999999999"),
        ("0", "0"),
    ],
)
def test_a_rate_keeps_12_significant_digits(value: str, text: str) -> None:
    assert format_significant(Decimal(value), 12) == text
