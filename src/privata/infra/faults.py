"""Faults of the database that pass by themselves: which errors they are, and how they are logged.

Both drivers and Django's wrapping of one of them are understood. What is not named here is a
mistake of ours, or the operator's, and is told with its trace.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import asyncpg

from privata.infra.database.faults import NoConnection, NoHost, NotWritable, ServerFull

log = logging.getLogger(__name__)

#: Seconds between two lines of one kind: doubled from the first to the last while it goes on.
FIRST_PAUSE_S: Final = 1.0
LAST_PAUSE_S: Final = 60.0


class PassingFault(StrEnum):
    """The kinds, each as the log and `/readyz` say it."""

    UNREACHABLE = "the database cannot be reached"
    LOST = "a connection to the database was lost"
    FULL = "the database takes no more connections"
    POOL = "no connection of the pool is free"
    READ_ONLY = "the database is read-only"
    TOO_SLOW = "the database is too slow"
    CONFLICT = "the transaction was in conflict with others"
    SHORT = "the database is out of disk or memory"


#: SQLSTATE codes and classes (PostgreSQL's documentation, appendix A); the longest match counts.
_STATES: Final = {
    "08": PassingFault.LOST,
    "28": PassingFault.UNREACHABLE,  # its password is being changed, or its rules of access
    "40": PassingFault.CONFLICT,  # serialization, deadlock: after what was tried again
    "25006": PassingFault.READ_ONLY,
    "25P03": PassingFault.TOO_SLOW,  # idle too long in a transaction
    "25P04": PassingFault.TOO_SLOW,  # the transaction took too long
    "53": PassingFault.SHORT,
    "53300": PassingFault.FULL,
    "55P03": PassingFault.TOO_SLOW,  # a lock
    "57014": PassingFault.TOO_SLOW,  # a statement
    "57P": PassingFault.UNREACHABLE,  # it is being shut down, has crashed, or starts
    "57P05": PassingFault.LOST,
    "58": PassingFault.SHORT,
}

_DRIVERS: Final = ("asyncpg", "psycopg", "psycopg_pool")


def passing_fault(error: BaseException | None) -> PassingFault | None:
    """The kind of a fault that passes by itself; None for all other errors.

    Looks through what the error was raised from, since Django wraps those of its driver.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found = _kind(error)
        if found is not None:
            return found
        if isinstance(error, BaseExceptionGroup):
            found = passing_fault(error.exceptions[0])
            if found is not None:
                return found
        error = error.__cause__
    return None


def _kind(error: BaseException) -> PassingFault | None:
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return next((_STATES[state[:n]] for n in (5, 3, 2) if state[:n] in _STATES), None)
    if isinstance(error, NoConnection):
        return PassingFault.FULL if isinstance(error, ServerFull) else PassingFault.POOL
    if isinstance(error, NotWritable | asyncpg.TargetServerAttributeNotMatched):
        return PassingFault.READ_ONLY
    if isinstance(error, NoHost):
        return PassingFault.UNREACHABLE
    if isinstance(error, asyncpg.InterfaceError):
        # Ours to mend: values that the client cannot encode, two statements at once.
        ours = isinstance(error, ValueError) or "another operation" in str(error)
        return None if ours else PassingFault.LOST
    names = set(_psycopg_names(error))
    if names & {"PoolTimeout", "TooManyRequests", "PoolClosed"}:
        return PassingFault.POOL
    if "OperationalError" in names:
        return PassingFault.UNREACHABLE
    if "InterfaceError" in names:
        return PassingFault.LOST
    if isinstance(error, ConnectionError):
        return PassingFault.LOST
    if isinstance(error, OSError) and _through_a_driver(error):
        # Of the system's: no route, no descriptor, no socket where there was one.
        return (
            PassingFault.TOO_SLOW if isinstance(error, TimeoutError) else PassingFault.UNREACHABLE
        )
    return None


def _psycopg_names(error: BaseException) -> Iterator[str]:
    """The classes of an error of psycopg, by name: programs without pages never import it."""
    for one in type(error).__mro__:
        if one.__module__.partition(".")[0] in ("psycopg", "psycopg_pool"):
            yield one.__name__


def _through_a_driver(error: BaseException) -> bool:
    """Whether it came up through a driver: the system's errors do not say what they are about."""
    trace = error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] in _DRIVERS:
            return True
        trace = trace.tb_next
    return False


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
