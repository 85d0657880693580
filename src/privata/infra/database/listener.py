"""Hearing wake-ups: one connection of a process for all who wait, which never keeps them from work.

A wake-up is a hint. While there is no connection everybody goes on by the clock, and when one has
been made everybody looks once, for what was told meanwhile nobody heard. The connection is tried
every few seconds, so a server that hangs, a network that has forgotten it, a primary that is one no
longer and a pooler which gives it another session are noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg

from privata.infra.database.connecting import connect
from privata.infra.database.faults import FIRST_PAUSE_S, LAST_PAUSE_S, passing_fault
from privata.infra.faults import FAULTS

log = logging.getLogger(__name__)

#: How often the connection is tried, and how long an answer may take, seconds.
BEAT_EVERY_S: Final = 5.0
ANSWER_S: Final = 3.0

#: Seconds until the next try where a pooler gives us one session after the other.
DEAF_PAUSE_S: Final = 60.0

#: A waiter that is behind by so many wake-ups learns no more from another one.
_MOST: Final = 1000

_BEAT: Final = "SELECT pg_backend_pid(), current_setting('transaction_read_only') = 'on'"

#: What to do where wake-ups cannot be heard.
HINT: Final = (
    "set PRIVATA_DATABASE_LISTEN_URL to the database itself, past the pooler (docs/database.md)"
)

#: Payloads of one channel; None: look at everything, something may have been told unheard.
Wakeups = asyncio.Queue[str | None]


class Listener:
    """Listens on the database at `url`, from the first subscription until it is closed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiters: dict[str, set[Wakeups]] = defaultdict(set)
        self._listened: set[str] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pause = 0.0
        self._hopeless = False

    @contextlib.asynccontextmanager
    async def subscribed(self, channel: str) -> AsyncIterator[Wakeups]:
        """The wake-ups of a channel; None is the first, as soon as they are heard."""
        queue: Wakeups = asyncio.Queue(maxsize=_MOST)
        if channel in self._listened:
            queue.put_nowait(None)
        self._waiters[channel].add(queue)
        self._changed.set()
        if not self._hopeless and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run())
        try:
            yield queue
        finally:
            self._waiters[channel].discard(queue)

    def give_up(self) -> None:
        """Do not try: nothing could be heard."""
        self._hopeless = True

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        said = False
        while True:
            try:
                self._pause = min(max(2 * self._pause, FIRST_PAUSE_S), LAST_PAUSE_S)
                await self._hear()
                if not said:
                    log.warning("wake-ups are not heard, work goes on by polling: %s", HINT)
                said = True
                self._pause = DEAF_PAUSE_S
            except Exception as error:
                fault = passing_fault(error)
                if fault is None:
                    log.exception("wake-ups cannot be heard")
                else:
                    FAULTS.note(fault, error, "wake-ups cannot be heard")
            await asyncio.sleep(self._pause)

    async def _hear(self) -> None:
        """Hear until the connection is lost, which raises; returns where a pooler stands between.

        `pg_backend_pid` tells: a pooler that changes sessions loses what they should hear.
        """
        settings = {"application_name": "privata-wakeup"}
        connection = await connect(self._url, settings, command_timeout=ANSWER_S)
        connection.add_termination_listener(lambda _: self._changed.set())
        try:
            session = None
            while not connection.is_closed():
                self._changed.clear()
                await self._listen(connection)
                row = await connection.fetchrow(_BEAT)
                assert row is not None
                if row[1]:
                    raise ConnectionError("the server of the wake-ups is read-only now")
                if session not in (None, row[0]):
                    return
                session, self._pause = row[0], 0.0
                await self._until_changed()
        finally:
            self._listened.clear()
            connection.terminate()
        raise ConnectionError("the connection for wake-ups was lost")

    async def _listen(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        for channel in [one for one, waiters in self._waiters.items() if waiters]:
            if channel not in self._listened:
                await connection.add_listener(channel, self._tell)
                self._listened.add(channel)
                for queue in self._waiters[channel]:
                    _put(queue, None)

    async def _until_changed(self) -> None:
        """Until there is a new channel, the connection is lost, or it is to be tried."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_EVERY_S):
                await self._changed.wait()

    def _tell(self, _: Any, __: int, channel: str, payload: Any) -> None:
        for queue in self._waiters.get(channel, ()):
            _put(queue, str(payload))


def _put(queue: Wakeups, item: str | None) -> None:
    if queue.full():
        if item is not None:
            return
        queue.get_nowait()  # that something was missed must not be dropped
    queue.put_nowait(item)
