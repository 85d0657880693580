"""Moments as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from privata.core.clock import EPOCH, iso, unix_ms


def test_no_millisecond_is_lost() -> None:
    """A float lost one of each of these."""
    for ms in (274_260_621_965, 1_086_850_636_376, 1_099_006_878_916):
        assert unix_ms(EPOCH + timedelta(milliseconds=ms)) == ms


@given(st.integers(min_value=-(10**12), max_value=10**13))
def test_every_millisecond_comes_back(ms: int) -> None:
    moment = EPOCH + timedelta(milliseconds=ms)
    assert unix_ms(moment) == ms
    assert unix_ms(moment + timedelta(microseconds=999)) == ms
    assert unix_ms(moment.astimezone(timezone(timedelta(hours=5, minutes=30)))) == ms


def test_it_says_the_millisecond_that_the_wire_says() -> None:
    for ms in range(1_000):
        moment = datetime(2026, 6, 1, 12, 0, 4, ms * 1_000, tzinfo=UTC)
        assert iso(moment).endswith(f".{unix_ms(moment) % 1_000:03}Z")
