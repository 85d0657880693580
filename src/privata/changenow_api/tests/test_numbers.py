"""Amounts go out and come in exact to the digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from privata.changenow_api.numbers import ceiling, number, number_of, read_amount
from privata.providers.port import NO_MAXIMUM


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        ("1", 8, b"1.0"),
        ("1.50", 8, b"1.5"),
        ("0", 8, b"0.0"),
        ("0.00000001", 8, b"0.00000001"),
        ("1E+3", 8, b"1000.0"),
        ("123456789012345678.123456789012345678", 18, b"123456789012345678.123456789012345678"),
    ],
)
def test_a_number_has_a_point_and_every_digit(value: str, decimals: int, shown: bytes) -> None:
    assert bytes(number(Decimal(value), decimals)) == shown


def test_no_maximum_is_null() -> None:
    assert ceiling(NO_MAXIMUM, 8) is None
    assert ceiling(Decimal(12), 8) == number_of("12")


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", "0.1"), ("1", "1"), ("1e-7", "0.0000001"), ("1.5E2", "150"), ("00.10", "0.1")],
)
def test_amounts_as_wallets_write_them(text: str, value: str) -> None:
    assert read_amount(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0e5", "-1", "+1", ".5", "1.", "1e99", "1e-99", "1e400", "NaN", "1_0", "١", " 1"],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        read_amount(text)
