"""Ending a program in bounded time, whatever it waits for.

To cancel a statement one needs a server that answers, so what is cancelled may hang as well as
what is not. Hence each last step has a bound, and the whole stop has one that needs no event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from privata.infra.database.faults import passing_fault
from privata.infra.faults import in_one_line

log = logging.getLogger(__name__)

#: Seconds a stop may take; and a server's beside its grace (`PRIVATA_DRAIN_SECONDS`), if that is
#: longer.
MOST_STOP_S: Final = 9.5
AFTER_GRACE_S: Final = 6.5

#: How long a worker that stops tries to give something back, seconds.
RELEASE_S: Final = 1.0

#: What a shell shows for a program that a signal ended.
_BY_SIGNAL: Final = 128


async def within(seconds: float, work: Coroutine[Any, Any, None], what: str) -> None:
    """Do the last step `what`, at most for so long; what hangs is left behind.

    A database that is away is no reason not to stop; anything else that `work` raises comes up.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        log.info("stopping: %s takes longer than %g s; not waited for", what, seconds)
        return
    error = task.exception()
    if error is not None:
        if passing_fault(error) is None:
            raise error
        log.info("stopping: %s: %s", what, in_one_line(error))


async def released_on_stop(
    work: Callable[[], Coroutine[Any, Any, None]],
    release: Callable[[], Coroutine[Any, Any, None]],
    what: str,
) -> None:
    """Do `work` on something claimed; if it is cut off, give `what` back for others to take."""
    try:
        await work()
    except asyncio.CancelledError:
        await within(RELEASE_S, release(), f"releasing {what}")
        raise


class Stop:
    """What signals do to the program: the first one cancels `task`, a second one ends at once."""

    def __init__(self, task: asyncio.Future[Any], grace_s: float) -> None:
        self._task = task
        self._seconds = max(MOST_STOP_S, grace_s + AFTER_GRACE_S)
        self._told = False

    def listen(self) -> None:
        """Be called by SIGINT and SIGTERM from now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.tell, number)

    def tell(self, number: int) -> None:
        """A signal came."""
        if self._told:
            log.warning("stopped at once: told twice")
            _leave(_BY_SIGNAL + number)
        self._told = True
        # Beside the event loop: threads of pages that wait for a frozen database, and tasks that
        # wait for one to cancel their statements, would hold the end of the interpreter up.
        last = threading.Timer(self._seconds, self._late)
        last.daemon = True
        last.start()
        self._task.cancel()

    def _late(self) -> None:
        log.warning("stopped after %g s without waiting for what still hangs", self._seconds)
        _leave(0)


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
