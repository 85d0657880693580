"""Values as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.ui import formats

_NOW = datetime(2026, 11, 21, 14, 26, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "compact", "text"),
    [
        (Decimal("39710.22"), False, "$39,710.22"),
        (Decimal(2410000), True, "$2.41M"),
        (Decimal(123456), True, "$123K"),
        (Decimal("99999.99"), True, "$99,999.99"),
        (Decimal(-5), False, "-$5.00"),
        ("0.125", False, "$0.12"),
        (0, False, "$0.00"),
        (None, False, formats.UNKNOWN),
    ],
)
def test_money(value: Decimal | int | str | None, compact: bool, text: str) -> None:
    assert formats.money_usd(value, compact) == text


def test_money_is_never_a_float() -> None:
    with pytest.raises(TypeError):
        formats.money_usd(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("0.41820000", 8, "0.4182"),
        ("12500.00", 8, "12,500"),
        ("0.123456789", 8, "0.12345678"),
        ("0.000000001", 8, "<0.00000001"),
        ("100", 0, "100"),
        ("0", 8, "0"),
        ("1E+3", 8, "1,000"),
    ],
)
def test_amounts(value: str, decimals: int, text: str) -> None:
    assert formats.amount(Decimal(value), decimals) == text


@given(st.decimals(min_value=0, max_value=10**12, places=12), st.integers(0, 12))
def test_an_amount_is_never_shown_larger_than_it_is(value: Decimal, decimals: int) -> None:
    text = formats.amount(value, decimals)
    if not text.startswith("<"):
        assert Decimal(text.replace(",", "")) <= value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.169, "169 ms"),
        (0.9996, "1.0 s"),
        (1.8, "1.8 s"),
        (59.96, "1m 00s"),
        (462, "7m 42s"),
        (13_400, "3h 43m"),
        (187_200, "2d 4h"),
        (None, formats.UNKNOWN),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=14), "14s ago"),
        (timedelta(minutes=3, seconds=59), "3m ago"),
        (timedelta(hours=25), "1d ago"),
        (timedelta(minutes=-4), "in 4m"),
    ],
)
def test_relative_times(past: timedelta, text: str) -> None:
    assert formats.ago(_NOW - past, _NOW) == text


def test_exact_times_are_utc() -> None:
    east = _NOW.astimezone(timezone(timedelta(hours=9)))
    assert formats.utc(east) == "21 Nov 2026, 14:26:40 UTC"
    assert formats.utc(east, seconds=False) == "21 Nov 2026, 14:26 UTC"
    assert formats.clock(east) == "14:26:40"
    assert formats.iso(east) == "2026-11-21T14:26:40Z"
    with pytest.raises(ValueError, match="zone"):
        formats.utc(datetime(2026, 11, 21))  # noqa: DTZ001 - what is refused


def test_never() -> None:
    assert formats.ago(None, _NOW) == "never"
    assert formats.utc(None) == formats.UNKNOWN


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.987, "98.7%"), (1, "100.0%"), (0.99999, "99.9%"), (None, formats.UNKNOWN)],
)
def test_percent_never_flatters(ratio: float | None, text: str) -> None:
    assert formats.percent(ratio) == text


def test_small_words() -> None:
    assert formats.size(412) == "412 bytes"
    assert formats.size(1434) == "1.4 KB"
    assert formats.size(3 * 1024 * 1024) == "3.0 MB"
    assert formats.short_id("pk_live_0123456789abcdef9f2c") == "pk_live_…9f2c"
    assert formats.short_id("ord_w4fdrkec") == "ord_w4fdrkec"
    assert formats.number(1284) == "1,284"
