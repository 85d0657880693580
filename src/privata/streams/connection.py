"""One open stream: what it has sent, what waits, and how it is written to the client.

At rest a stream is one waiting task (the request's own), which learns when the client leaves. A
second task exists only while there is something to write. Nobody ever waits for a slow client:
what does not fit into its short queue is dropped, and read from the log again when it can write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import asyncpg
from starlette.types import Message, Receive, Send

from privata.streams.frames import BEAT, FAREWELL, HELLO, Frame
from privata.streams.log import OrderKey
from privata.streams.states import Ending

log = logging.getLogger(__name__)

#: Frames that wait for a client; they are shared, so each costs a reference.
QUEUE: Final = 16

#: A client that took nothing for so many heartbeats is given up.
MISSED_BEATS: Final = 4

#: What asyncpg raises when the database is away.
AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

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
        """Write what waits, if nobody does yet."""
        if self._pump is None and self._send is not None:
            self._pump = asyncio.get_running_loop().create_task(self._write_all())

    async def run(self, start: Message, receive: Receive, send: Send) -> None:
        """Answer the request: until the order has ended, the stream is ended, or the client leaves.

        Afterwards `ending` says which.
        """
        self._task = asyncio.current_task()
        try:
            await send(start)
            await send(HELLO)
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

    async def _write_all(self) -> None:
        try:
            while await self._step():
                pass
        except AWAY as error:
            self._behind = True  # the hub wakes it again
            log.warning("a stream cannot read the log: %s", error)
        except Exception:
            log.exception("a stream broke")
            if self._task is not None:
                self.ending = Ending.STALLED
                self._task.cancel()
        finally:
            self._pump = None

    async def _step(self) -> bool:
        """Write one thing; False when nothing is left to write."""
        send = self._send
        if send is None:
            return False
        if self.ending is not None:
            await send(FAREWELL)
            return False
        if self._beat_due:
            await send(BEAT)
            self._beat_due, self._missed = False, 0
        elif self._behind:
            self._behind = False  # before reading: what is offered meanwhile goes to the queue
            for frame in await self._read(self.order, self.sent):
                await self._write(send, frame)
        elif self._queue:
            frame = self._queue.pop(0)
            # Between replay and live nothing is missing: a number left out is read from the log.
            if frame.seq > self.sent + 1:
                self._behind = True
            else:
                await self._write(send, frame)
        else:
            return False
        return True

    async def _write(self, send: Send, frame: Frame) -> None:
        if frame.seq <= self.sent:
            return
        await send(frame.message)
        self.sent = frame.seq
        if frame.last:
            self.ending = self.ending or Ending.FINISHED
