"""How a figure changed since the day before, in words: pure.

The arrow is the direction; whether it is good is the meaning. A falling median time is good.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from privata.ui.formats import duration

#: Changes smaller than this show as "no change": a tenth of a percent, or of a point.
_SMALLEST = 0.0005

#: From here on, a change is said as a multiple; percentages above it mean nothing to anybody.
_MULTIPLE = 10.0

#: Seconds of a median that nobody notices.
_SAME_SECONDS = 0.5


class Change(NamedTuple):
    """What a figure's foot shows: words, arrow (up, down or none), good, bad or neither."""

    delta: str | None = None
    arrow: str | None = None
    good: bool | None = None


NO_CHANGE = Change("no change")


def relative(now: Decimal | int, before: Decimal | int) -> Change:
    """`8.2%` more or less; nothing to say without a day before."""
    if not before:
        return Change()
    share = float(now / before) - 1
    if abs(share) < _SMALLEST:
        return NO_CHANGE
    words = f"{share + 1:.0f} times" if share >= _MULTIPLE else f"{abs(share):.1%}"
    return Change(words, *_direction(share))


def points(now: float | None, before: float | None) -> Change:
    """`0.2 pt`: the difference of two shares in percentage points."""
    if now is None or before is None:
        return Change()
    difference = now - before
    if abs(difference) < _SMALLEST:
        return NO_CHANGE
    return Change(f"{abs(difference) * 100:.1f} pt", *_direction(difference))


def seconds(now: float | None, before: float | None) -> Change:
    """`31.0 s faster`: less time is better."""
    if now is None or before is None:
        return Change()
    difference = now - before
    if abs(difference) < _SAME_SECONDS:
        return NO_CHANGE
    faster = difference < 0
    word = "faster" if faster else "slower"
    return Change(f"{duration(abs(difference))} {word}", "down" if faster else "up", faster)


def _direction(difference: float) -> tuple[str, bool]:
    return ("up", True) if difference > 0 else ("down", False)
