"""How faults of the database that pass by themselves are logged: few lines, without traces.

Which errors those are is decided by `infra.database.faults.passing_fault`, and nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from privata.infra.database.faults import PassingFault

log = logging.getLogger(__name__)

#: Seconds between two lines of one kind: doubled from the first to the last while it goes on.
FIRST_PAUSE_S: Final = 1.0
LAST_PAUSE_S: Final = 60.0


def in_one_line(error: BaseException) -> str:
    """What an error says, without the lines that a driver adds below."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


@dataclass(slots=True)
class _Told:
    """Of one kind: when the last line was written, how long none follows, what was left out."""

    at: float
    pause_s: float = FIRST_PAUSE_S
    left_out: int = 0


class FaultLog:
    """A line for the first fault of a kind, then ever fewer that count the others.

    During an outage every request fails: a line for each, with a trace, has filled disks. Pages
    run in threads, so it may be used from any.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: dict[PassingFault, _Told] = {}
        self._lock = threading.Lock()

    def note(self, fault: PassingFault, error: BaseException, where: str) -> None:
        """Write it down, or count it; `where` names the request or the part of the program."""
        with self._lock:
            now = self._monotonic()
            told = self._told.get(fault)
            if told is not None and now - told.at < told.pause_s:
                told.left_out += 1
                return
            left_out = self._next_line(fault, now)
        more = f" ({left_out} more like it since the last line)" if left_out else ""
        log.error("%s: %s: %s%s", where, fault, in_one_line(error), more)

    def _next_line(self, fault: PassingFault, now: float) -> int:
        told = self._told.get(fault)
        if told is None or now - told.at > 2 * told.pause_s:
            self._told[fault] = _Told(now)
            return 0 if told is None else told.left_out
        self._told[fault] = _Told(now, min(2 * told.pause_s, LAST_PAUSE_S))
        return told.left_out


#: That of this process.
FAULTS: Final = FaultLog()


class Outage:
    """An outage as loops see it that try again until it is over: one line then, one at the end."""

    def __init__(self) -> None:
        self._lasts = False

    def note(self, who: str, error: BaseException) -> None:
        """`who` could not go on; only the first to find out is written down."""
        level = logging.DEBUG if self._lasts else logging.WARNING
        self._lasts = True
        log.log(level, "%s stopped, and tries again until the database answers: %s", who,
                in_one_line(error))  # fmt: skip

    def over(self) -> None:
        """The database answers."""
        if self._lasts:
            self._lasts = False
            log.warning("the database answers again: work goes on")
