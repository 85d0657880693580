"""What a row of the table is, and the table."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REPEATS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; `spread` are the single runs it is the median of.

    `at_most` is the value to stay under, where one is set.
    """

    what: str
    value: float
    unit: str
    spread: tuple[float, ...] = ()
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure against another of the same run, and the ratio to reach (None: none is set)."""

    what: str
    value: float
    wanted: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One subject of the table."""

    title: str
    figures: Sequence[Figure]
    ratios: Sequence[Ratio] = ()


async def median_of(
    what: str, unit: str, measure: Callable[[], Awaitable[float]], repeats: int = REPEATS
) -> Figure:
    """Measure several times, one after the other; the median counts."""
    values = [await measure() for _ in range(repeats)]
    return Figure(what, statistics.median(values), unit, tuple(values))


def machine(postgres_version: str) -> str:
    """What the figures were measured on; without it they say nothing."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, PostgreSQL {postgres_version} (fsync on), "
        f"medians of {REPEATS} where single runs are shown"
    )


def print_row(row: Row) -> None:
    """The row as text."""
    print(f"\n{row.title}")
    for figure in row.figures:
        runs = ", ".join(_shown(value) for value in figure.spread)
        limit = "" if figure.at_most is None else f"wanted: at most {_shown(figure.at_most)}"
        print(f"  {figure.what:<58}{_shown(figure.value):>10} {figure.unit:<8} {runs}{limit}")
    for ratio in row.ratios:
        wanted = "" if ratio.wanted is None else f"wanted: {ratio.wanted:.2f}"
        print(f"  {ratio.what:<58}{ratio.value:>10.2f} {'':<8} {wanted}")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
