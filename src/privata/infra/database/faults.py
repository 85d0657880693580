"""Which errors of the database pass by themselves, and which mean that connections are lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg

log = logging.getLogger(__name__)

#: Seconds between two tries to reach the database again: doubled from the first to the last.
FIRST_PAUSE_S: Final = 0.1
LAST_PAUSE_S: Final = 1.0

T = TypeVar("T")


class NoConnection(ConnectionError):
    """The pool had no connection to lend in time."""


class ServerFull(NoConnection):
    """It had none because the server takes no more."""


class NoHost(ConnectionError):
    """No host of the URL could be used."""


class NotWritable(NoHost):
    """Every host of the URL answers, and none accepts writes: standbys, or read-only."""


def is_passing(error: BaseException) -> bool:
    """Whether it is the connection or the server that fails, so that a later try may succeed."""
    if isinstance(error, ValueError):  # arguments that the client could not encode
        return False
    return isinstance(
        error,
        OSError  # TimeoutError is one
        | asyncpg.InterfaceError
        | asyncpg.InternalClientError
        | asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.InsufficientResourcesError
        | asyncpg.LockNotAvailableError
        | asyncpg.TransactionRollbackError
        | asyncpg.PostgresSystemError
        | asyncpg.ReadOnlySQLTransactionError,
    )


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
            if not is_passing(error):
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
