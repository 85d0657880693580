"""The time as the database tells it, without asking for each moment.

What is due is decided by the database, so what is written as due has to come from the same clock: a
worker whose own was 2 s behind found orders due that it believed were not, and claimed them again
and again. The machine's clock counts for nothing here, whether it is wrong or steps: from the
moment that the database told the time, the machine's monotonic one says how much has passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from privata.core.clock import Clock, SystemClock

#: A difference that is taken over at the next look, beyond what the way there and back can explain,
#: seconds. Smaller ones are left alone: the time is not to go backward for nothing.
LEAST_STEP_S: Final = 0.02

#: An answer that took longer says little, seconds; the first one is better than nothing.
MOST_TOOK_S: Final = 1.0


def skew_text(seconds: float) -> str:
    """How far a clock is off, in words."""
    if abs(seconds) < 0.0005:
        return "equal to the database's"
    size = f"{abs(seconds) * 1000:.0f} ms" if abs(seconds) < 1 else f"{abs(seconds):,.1f} s"
    return f"{size} {'ahead of' if seconds > 0 else 'behind'} the database's"


class DatabaseClock:
    """A clock that is set by the database; the machine's until then."""

    def __init__(
        self, machine: Clock | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._machine = SystemClock() if machine is None else machine
        self._monotonic = monotonic
        self._told: datetime | None = None
        self._told_at = 0.0

    @property
    def machine(self) -> Clock:
        """The clock of the machine, which may be wrong."""
        return self._machine

    def now(self) -> datetime:
        """The present moment by the database's clock, aware, in UTC."""
        if self._told is None:
            return self._machine.now()
        return self._told + timedelta(seconds=self._monotonic() - self._told_at)

    def skew_s(self) -> float:
        """Seconds by which the clock of the machine is ahead of the database's, as last told."""
        return (self._machine.now() - self.now()).total_seconds()

    def set(self, told: datetime, took_s: float) -> None:
        """The database has just told the time; from asking to hearing it took so many seconds."""
        if self._told is not None and took_s > MOST_TOOK_S:
            return
        unsure = took_s / 2 + LEAST_STEP_S
        now, machine = told + timedelta(seconds=took_s / 2), self._machine.now()
        if abs((now - machine).total_seconds()) <= unsure:
            # The machine's clock cannot be told apart from the database's, and is read without a
            # way there and back.
            now, unsure = machine, LEAST_STEP_S
        if self._told is None or abs((now - self.now()).total_seconds()) > unsure:
            self._told, self._told_at = now, self._monotonic()
