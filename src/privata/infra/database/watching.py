"""Connections that wait for an answer which will never come.

A server that stands still, or a network that has forgotten a connection, says nothing, so a
statement would wait out its timeout. Of a statement that takes long the server is therefore asked
over a new connection: one whose session it does not know, or knows to be idle, is hung up, and
everything made before is replaced. A statement that is merely slow is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

import asyncpg

from privata.infra.database.faults import passing_fault
from privata.infra.database.losses import note_loss

log = logging.getLogger(__name__)

#: How often is looked, and after how long a statement is asked about, seconds.
LOOK_EVERY_S: Final = 1.0
DOUBT_S: Final = 2.0

#: How long the question may take, seconds: a host that takes longer to connect is tried last.
QUESTION_S: Final = 3.0

#: Where no server answers at all, so many questions in a row are asked before all that waits is
#: hung up: a busy server may be slow to greet.
QUESTIONS: Final = 3

#: A session is ours if it is as old as our connection, give or take so many seconds: numbers of
#: processes are the same on many servers.
AGE_S: Final = 5.0

#: Seconds after which a statement is given up, whatever the server says of it.
MOST_S: Final = 35.0

_SESSIONS: Final = """
SELECT pg_backend_pid() AS own, s.pid, s.state = 'active' AS active, s.state_change,
       extract(epoch FROM clock_timestamp() - s.backend_start)::float8 AS age
FROM (SELECT) AS always LEFT JOIN pg_stat_activity AS s ON s.pid = ANY ($1::int[])
"""


Connect = Callable[..., Coroutine[Any, Any, "asyncpg.Connection[asyncpg.Record]"]]


class Asking(Protocol):
    """A connection of either driver; its fields are those of `WatchedConnection`."""

    url: str
    made_at: float
    asked_at: float

    def get_server_pid(self) -> int:
        """The process that serves it."""

    def hang_up(self) -> None:
        """End it, so that whoever waits for an answer gets an error."""


_connections: Final[weakref.WeakSet[Asking]] = weakref.WeakSet()
_lock: Final = threading.Lock()


def watched(connection: Asking) -> None:
    """From now on this one is looked after, for as long as it lives."""
    with _lock:
        _connections.add(connection)


def _waiting(url: str) -> list[Asking]:
    late = time.monotonic() - DOUBT_S
    with _lock:
        return [one for one in _connections if one.url == url and 0.0 < one.asked_at < late]


class Watch:
    """Looks after the connections of this process to the database at `url`.

    `connect` makes one more, to ask on.
    """

    def __init__(self, url: str, connect: Connect) -> None:
        self._url = url
        self._connect = connect
        self._unanswered = 0
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        #: What waited at the last look while its session was idle, and since when it was.
        self._idle: dict[tuple[int, float], object] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                try:
                    await self.look()
                except Exception:
                    log.exception("the database's connections cannot be looked after")
        finally:
            self._done()

    async def look(self) -> None:
        """Look once; does nothing but compare two numbers when nothing waits for long."""
        waiting = _waiting(self._url)
        if not waiting:
            self._done()
            self._unanswered = 0
            self._idle.clear()
            return
        try:
            rows = await self._ask([one.get_server_pid() for one in waiting])
        except Exception as error:
            self._done()
            if passing_fault(error) is None:
                raise
            if isinstance(error, asyncpg.TooManyConnectionsError):
                return  # it answers, and says nothing of ours
            self._unanswered += 1
            if self._unanswered >= QUESTIONS:
                self._hang_up(waiting, f"the database does not answer ({error!r})")
            return
        self._unanswered = 0
        self._hang_up(self._dead(waiting, rows), "the database knows nothing of them")

    async def _ask(self, pids: Sequence[int]) -> list[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect(timeout=QUESTION_S)
        return await self._connection.fetch(_SESSIONS, pids, timeout=QUESTION_S)

    def _dead(self, waiting: Sequence[Asking], rows: Sequence[asyncpg.Record]) -> list[Asking]:
        assert self._connection is not None
        pooled = self._connection.get_server_pid() != rows[0]["own"]
        known = {row["pid"]: row for row in rows}
        now = time.monotonic()
        idle, dead = {}, []
        for one in waiting:
            if now - one.asked_at > MOST_S:
                dead.append(one)
                continue
            if pooled:  # its numbers are not the server's
                continue
            row = known.get(one.get_server_pid())
            if row is None or abs(row["age"] - (now - one.made_at)) > AGE_S:
                dead.append(one)
            elif row["active"] is False:  # None: a role whose sessions we may not see
                # Once is no proof: the answer may have come at this very moment.
                key = (id(one), one.asked_at)
                if self._idle.get(key) == row["state_change"]:
                    dead.append(one)
                idle[key] = row["state_change"]
        self._idle = idle
        return dead

    def _hang_up(self, dead: Sequence[Asking], why: str) -> None:
        dead = [one for one in dead if one.asked_at]
        if not dead:
            return
        log.warning("%d statements were given up and all connections are replaced: %s",
                    len(dead), why)  # fmt: skip
        for one in dead:
            note_loss(self._url, one.made_at)
            with contextlib.suppress(OSError):
                one.hang_up()

    def _done(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
