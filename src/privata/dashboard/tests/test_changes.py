"""How a change since the day before is said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from privata.dashboard.home.changes import NO_CHANGE, Change, points, relative, seconds


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (108, 100, Change("8.0%", "up", True)),
        (Decimal(92), Decimal(100), Change("8.0%", "down", False)),
        (0, 10, Change("100.0%", "down", False)),
        (10_000, 10_001, NO_CHANGE),
        (120, 10, Change("12 times", "up", True)),
        (5, 0, Change()),
        (0, 0, Change()),
    ],
)
def test_counts_and_money_change_in_percent(now: int, before: int, said: Change) -> None:
    assert relative(now, before) == said


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (0.987, 0.985, Change("0.2 pt", "up", True)),
        (0.5, 1.0, Change("50.0 pt", "down", False)),
        (0.9, 0.9, NO_CHANGE),
        (None, 0.9, Change()),
        (0.9, None, Change()),
    ],
)
def test_shares_change_in_points(now: float | None, before: float | None, said: Change) -> None:
    assert points(now, before) == said


def test_less_time_is_better() -> None:
    assert seconds(431, 462) == Change("31.0 s faster", "down", True)
    assert seconds(462, 431) == Change("31.0 s slower", "up", False)
    assert seconds(462.1, 462) == NO_CHANGE
    assert seconds(None, 462) == Change()
