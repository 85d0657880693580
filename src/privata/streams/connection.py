"""One open stream: what it has sent, what waits, and how it is written to the client.

At rest a stream is one waiting task (the request's own), which learns when the client leaves. A
second one exists only while it reads the log or its client takes nothing. Nobody ever waits for a
slow client: what does not fit into its short queue is dropped, and read from the log again when it
can write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import asyncpg

from privata.infra.database.faults import passing_fault
from privata.infra.faults import FAULTS
from privata.streams.frames import BEAT, FAREWELL, HELLO, Frame, Part
from privata.streams.log import OrderKey
from privata.streams.states import Ending
from privata.streams.writing import Rest, begin

log = logging.getLogger(__name__)

#: Frames that wait for a client; they are shared, so each costs a reference.
QUEUE: Final = 16

#: A client that took nothing for so many heartbeats is given up.
MISSED_BEATS: Final = 4

#: What asyncpg raises when the database is away.
AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

# What ASGI hands in; a stream knows no framework.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Read = Callable[[OrderKey, int], Awaitable[Sequence[Frame]]]


class OpenStream:
    """A stream of one order to one client. `sent` is the number of the last event written."""

    __slots__ = (
        "__weakref__",
        "_beat_due",
        "_behind",
        "_missed",
        "_pump",
        "_queue",
        "_read",
        "_send",
        "_task",
        "ending",
        "id",
        "noted",
        "order",
        "sent",
        "slot",
    )

    def __init__(self, row_id: int, order: OrderKey, after: int, read: Read) -> None:
        self.id = row_id
        self.order = order
        self.sent = self.noted = after
        self.slot = 0
        self.ending: Ending | None = None
        self._read = read
        # It begins by reading the log, after it was registered for what happens from now on.
        self._behind = True
        self._beat_due = False
        self._missed = 0
        self._queue: list[Frame] = []
        self._send: Send | None = None
        self._pump: asyncio.Task[None] | None = None
        self._task: asyncio.Task[object] | None = None

    def offer(self, frame: Frame) -> None:
        """Take an event to send; never waits."""
        if self._behind:
            return  # the log will be read, and the event is in it
        if len(self._queue) >= QUEUE:
            self._queue.clear()
            self._behind = True
        else:
            self._queue.append(frame)
        self.wake()

    def beat(self) -> None:
        """A heartbeat is due. One that finds the earlier ones unsent gives the client up."""
        if self._beat_due:
            self._missed += 1
            if self._missed >= MISSED_BEATS and self._task is not None:
                self.ending = Ending.STALLED
                self._task.cancel()
        self._beat_due = True
        self.wake()

    def end(self, reason: Ending) -> None:
        """End it cleanly; the client may connect again and resume."""
        self.ending = self.ending or reason
        self.wake()

    def wake(self) -> None:
        """Write what waits, if nobody does yet: at once while the client takes it, then in a task.

        One event may be for thousands of streams, and a task for each would cost more than all
        the rest of handing it over.
        """
        send = self._send
        if self._pump is not None or send is None:
            return
        try:
            while (part := self._next()) is not None:
                rest = begin(send(part.message))
                if rest is not None:
                    self._pump = asyncio.get_running_loop().create_task(self._go_on(rest, part))
                    return
                self._written(part)
        except Exception as error:
            self._broke(error)
        else:
            if self._behind and self._send is not None:
                self._pump = asyncio.get_running_loop().create_task(self._go_on())

    async def run(self, start: Message, receive: Receive, send: Send) -> None:
        """Answer the request: until the order has ended, the stream is ended, or the client leaves.

        Afterwards `ending` says which.
        """
        self._task = asyncio.current_task()
        try:
            await send(start)
            await send(HELLO.message)
            self._send = send
            self.wake()
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if self.ending is not Ending.STALLED:
                raise
        finally:
            self.ending = self.ending or Ending.CLIENT_LEFT
            if self._pump is not None:
                self._pump.cancel()
            self._send = self._task = None

    async def _go_on(self, rest: Rest | None = None, part: Part | None = None) -> None:
        try:
            if rest is not None and part is not None:
                await rest
                self._written(part)
            await self._write_all()
        except Exception as error:
            fault = passing_fault(error)
            if fault is None:
                self._broke(error)
            else:
                self._behind = True  # the hub wakes it again
                FAULTS.note(fault, error, "a stream cannot read the log")
        finally:
            self._pump = None

    async def _write_all(self) -> None:
        while (send := self._send) is not None:
            part = self._next()
            if part is not None:
                await send(part.message)
                self._written(part)
            elif self._behind:
                self._behind = False  # before reading: what is offered meanwhile goes to the queue
                for frame in await self._read(self.order, self.sent):
                    if frame.seq > self.sent:
                        await send(frame.message)
                        self._written(frame)
            else:
                return

    def _next(self) -> Part | None:
        """What to write now; None if nothing waits, or the log has to be read first."""
        if self._send is None:
            return None
        if self.ending is not None:
            return FAREWELL
        if self._beat_due:
            return BEAT
        while self._queue and not self._behind:
            frame = self._queue.pop(0)
            if frame.seq == self.sent + 1:
                return frame
            # Between replay and live nothing is missing: a number left out is read from the log.
            self._behind = frame.seq > self.sent
        return None

    def _written(self, part: Part) -> None:
        if isinstance(part, Frame):
            self.sent = part.seq
            if part.last:
                self.ending = self.ending or Ending.FINISHED
        elif part is BEAT:
            self._beat_due, self._missed = False, 0
        else:
            self._send = None  # nothing follows the farewell

    def _broke(self, error: Exception) -> None:
        log.error("a stream broke", exc_info=error)
        if self._task is not None:
            self.ending = Ending.STALLED
            self._task.cancel()
