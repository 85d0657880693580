"""Which errors of the database pass by themselves, and which mean that connections are lost.

Both drivers and Django's wrapping of one of them are understood. What `passing_fault` does not name
is a mistake of ours, or the operator's, and is told with its trace. Requests, pages, loops and
probes all ask it, so that they never take one error for two things.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from typing import Final, TypeVar

import asyncpg

log = logging.getLogger(__name__)

#: Seconds between two tries to reach the database again: doubled from the first to the last.
FIRST_PAUSE_S: Final = 0.1
LAST_PAUSE_S: Final = 1.0

T = TypeVar("T")


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


class NoConnection(ConnectionError):
    """The pool had no connection to lend in time."""


class ServerFull(NoConnection):
    """It had none because the server takes no more."""


class NoHost(ConnectionError):
    """No host of the URL could be used."""


class NotWritable(NoHost):
    """Every host of the URL answers, and none accepts writes: standbys, or read-only."""


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
    if isinstance(error, asyncpg.InternalClientError):
        return PassingFault.LOST  # what came from the server does not fit
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


def means_loss(error: BaseException) -> bool:
    """Whether connections made before this error lead nowhere any more: the server went away, or it
    is no longer the one that may be written to."""
    return isinstance(
        error,
        ConnectionError
        | asyncpg.PostgresConnectionError
        | asyncpg.AdminShutdownError
        | asyncpg.CrashShutdownError
        | asyncpg.CannotConnectNowError
        | asyncpg.ReadOnlySQLTransactionError,
    )


async def until_answered(
    work: Callable[[], Awaitable[T]], name: str, seconds: float | None = None
) -> T:
    """What `work` answers; it is done again for as long as the database is away.

    For what may be repeated only: an answer that got lost may have been a success. After `seconds`
    the last error is raised; None: never. Errors that do not pass are raised at once.
    """
    loop = asyncio.get_running_loop()
    began, pause = loop.time(), 0.0
    while True:
        try:
            answer = await work()
        except Exception as error:
            if passing_fault(error) is None:
                raise
            pause = min(max(2 * pause, FIRST_PAUSE_S), LAST_PAUSE_S)
            if seconds is not None and loop.time() + pause - began > seconds:
                raise
            if pause == FIRST_PAUSE_S:
                log.warning("%s: the database is away: %r", name, error)
            await asyncio.sleep(pause)
            continue
        if pause:
            log.info("%s: the database is back", name)
        return answer
