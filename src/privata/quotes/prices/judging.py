"""Which of the reported prices is believed: pure.

A source may be broken or hostile, and orders earn by their value. So the median counts, and a jump
needs two sources that agree on it.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from privata.core.money import CONTEXT, MAX_DECIMALS, floor_to

#: How far a price may be from the last one that was accepted without a second source, of 1.
MOST_JUMP: Final = Decimal("0.2")

#: How many sources must agree on a jump: lie no further from their median than a jump is.
ENOUGH: Final = 2


@dataclass(frozen=True, slots=True)
class Accepted:
    """A price that is believed, and the sources that it is the median of."""

    usd: Decimal
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A median that is not believed: the last accepted price stays, and grows old."""

    usd: Decimal


def judged(reports: Mapping[str, Decimal], last: Decimal | None) -> Accepted | Refused:
    """Judge the fresh reports about one asset, by source; `last` is the accepted price, if any.

    There is at least one report. Without a `last` there is nothing to jump from.
    """
    middle = _median(reports)
    if last is None or _near(middle, last):
        return Accepted(middle, tuple(sorted(reports)))
    agreeing = [name for name, usd in reports.items() if _near(usd, middle)]
    if len(agreeing) >= ENOUGH:
        return Accepted(middle, tuple(sorted(reports)))
    # Two that disagree: the one that says what was true a moment ago.
    close = {name: usd for name, usd in reports.items() if _near(usd, last)}
    if close:
        return Accepted(_median(close), tuple(sorted(close)))
    return Refused(middle)


def _median(reports: Mapping[str, Decimal]) -> Decimal:
    return floor_to(statistics.median(reports.values()), MAX_DECIMALS)


def _near(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= CONTEXT.multiply(other, MOST_JUMP)
