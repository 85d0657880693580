"""What a row of the table is, and the table."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REPEATS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; `spread` are the single runs it is the median of."""

    what: str
    value: float
    unit: str
    spread: tuple[float, ...] = ()


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
        f"medians of {REPEATS}"
    )


def print_row(row: Row) -> None:
    """The row as text."""
    print(f"\n{row.title}")
    for figure in row.figures:
        runs = ", ".join(f"{value:,.0f}" for value in figure.spread)
        print(f"  {figure.what:<58}{figure.value:>10,.0f} {figure.unit:<8} {runs}")
    for ratio in row.ratios:
        wanted = "" if ratio.wanted is None else f"wanted: {ratio.wanted:.2f}"
        print(f"  {ratio.what:<58}{ratio.value:>10.2f} {'':<8} {wanted}")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
