"""Time as a value that is handed in, so that a test can live through days in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

#: Where the time of Unix begins.
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MILLISECOND: Final = timedelta(milliseconds=1)


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved; shipped for simulations and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`, which must not be negative."""
        if step < timedelta(0):
            raise ValueError("a clock does not go backward")
        self._now += step


def unix_ms(moment: datetime) -> int:
    """Milliseconds since the epoch, rounded down; in whole numbers, since a float may lose one."""
    return (moment - EPOCH) // MILLISECOND


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z` and milliseconds, the form of every time on the wire."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
