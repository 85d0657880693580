"""What the pages of an order say about it, worked out from its row: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from privata.core.lifecycle import OPEN, PATH, OrderStatus
from privata.core.refund_window import window_ends
from privata.orders.rows import TimelineEntry

#: A final amount that differs by more than this is shown as slippage.
SLIPPAGE_SHOWN = Decimal("0.005")

#: Six decimals are plenty for a share that is shown with two digits.
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Step:
    """One state of the timeline. `took` is the seconds since the state before."""

    status: str
    at: datetime
    source: str
    took: float | None
    current: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the straight path: `done`, `now` or empty for what is still to come."""

    status: OrderStatus
    state: str


def steps(entries: Sequence[TimelineEntry]) -> list[Step]:
    """The timeline, newest first, with the time each change took."""
    shown = [
        Step(
            entry.status,
            entry.at,
            entry.source,
            None if i == 0 else (entry.at - entries[i - 1].at).total_seconds(),
            i == len(entries) - 1 and OrderStatus(entry.status) in OPEN,
        )
        for i, entry in enumerate(entries)
    ]
    return shown[::-1]


def stages(entries: Sequence[TimelineEntry]) -> list[Stage]:
    """The straight path as far as the order went along it."""
    passed = {entry.status for entry in entries}
    now = entries[-1].status if entries else OrderStatus.WAITING_DEPOSIT.value

    def state(status: OrderStatus) -> str:
        if status is OrderStatus.COMPLETED and status.value in passed:
            return "done"
        if status.value == now:
            return "now"
        return "done" if status.value in passed else ""

    return [Stage(status, state(status)) for status in PATH]


def slippage(expected: Decimal, actual: Decimal | None) -> Decimal | None:
    """By which share the final amount differs from the expected one, if it is worth showing."""
    if actual is None:
        return None
    share = ((actual - expected) / expected).quantize(_PLACES)
    return share if abs(share) > SLIPPAGE_SHOWN else None


def swap_seconds(entries: Sequence[TimelineEntry]) -> float | None:
    """Seconds from the deposit being seen to completion; None before that."""
    at = {entry.status: entry.at for entry in entries}
    begun, ended = at.get(OrderStatus.CONFIRMING.value), at.get(OrderStatus.COMPLETED.value)
    return None if begun is None or ended is None else (ended - begun).total_seconds()


def refund_closes(
    status: str, entered: datetime, window_hours: int | None, sandbox_ttl: int | None = None
) -> datetime | None:
    """When the refund window of an order ends; None where there is none."""
    if status != OrderStatus.REFUND_REQUIRED or window_hours is None:
        return None
    return window_ends(entered, window_hours, sandbox_ttl)
