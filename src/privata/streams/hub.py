"""Hands the events of orders to the streams that follow them; one hub for each server process.

A wake-up names an order with news. One query then reads what is new of all orders named, each event
is encoded once, and the same bytes go to every stream of its order. Wake-ups may be lost: every few
seconds, and after a lost connection, all open orders are read the same way.

No gap between replay and live: a stream is registered here first and reads the log then, so an
event is in what it reads or comes by the hub, or both; numbers tell which it has sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from privata.events.service import STREAMS_WAKEUP
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.infra.faults import FAULTS
from privata.streams import store
from privata.streams.connection import AWAY, OpenStream
from privata.streams.frames import Frame
from privata.streams.log import OrderKey, frames_since
from privata.streams.nodes import Node
from privata.streams.states import Ending

log = logging.getLogger(__name__)

#: The wheel of heartbeats has so many slots; a stream stands in one of them.
SLOTS: Final = 15

#: After so many streams others get a turn: one event for thousands must not stop the process.
TURN: Final = 256


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between a stream's heartbeats, looks at all open orders, and signs of life."""

    beat_s: float = 15.0
    look_s: float = 5.0
    sign_s: float = 15.0
    again_s: float = 1.0


@dataclass(slots=True)
class Followed:
    """An order with streams; `told` is the number of the last event handed to them."""

    order: OrderKey
    told: int
    streams: set[OpenStream] = field(default_factory=set)


class Hub:
    """The open streams of this process."""

    def __init__(self, ctx: AppContext, pace: Pace = Pace()) -> None:  # it is frozen
        self.node = Node(ctx)
        self._ctx = ctx
        self._pace = pace
        self._followed: dict[str, Followed] = {}
        self._streams: dict[int, OpenStream] = {}
        self._wheel: list[set[OpenStream]] = [set() for _ in range(SLOTS)]
        self._turn = 0
        self._reading = asyncio.Lock()
        self._loops: list[asyncio.Task[None]] = []
        self._closing = False

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, row_id: int, order: OrderKey, after: int) -> OpenStream:
        """Register a stream that has everything up to event number `after`."""
        stream = OpenStream(row_id, order, after, self._read)
        stream.slot = self._turn
        self._streams[row_id] = stream
        self._wheel[stream.slot].add(stream)
        followed = self._followed.get(order.order_id)
        if followed is None:
            followed = self._followed[order.order_id] = Followed(order, after)
        followed.streams.add(stream)
        if self._closing:
            stream.end(Ending.RESTART)
        elif not self._loops:
            self._start()
        return stream

    def remove(self, stream: OpenStream) -> None:
        """Forget a stream that is over, and close its row."""
        if self._streams.pop(stream.id, None) is None:
            return
        self._wheel[stream.slot].discard(stream)
        followed = self._followed[stream.order.order_id]
        followed.streams.discard(stream)
        if not followed.streams:
            del self._followed[stream.order.order_id]
        self.node.close(stream.id, stream.ending or Ending.CLIENT_LEFT, stream.sent)

    def close(self) -> None:
        """End every stream, so that the server can stop; clients resume elsewhere."""
        self._closing = True
        for stream in list(self._streams.values()):
            stream.end(Ending.RESTART)

    async def aclose(self) -> None:
        """Stop, and leave no open row. Call it when the requests have ended."""
        self.close()
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        try:
            await self.node.leave()
        except AWAY as error:
            log.warning("streams are not written down as closed: %s", error)

    async def look(self) -> None:
        """Read what is new of every open order; end what has to end; note what was sent."""
        await self._fetch(list(self._followed))
        for stream in list(self._streams.values()):
            stream.wake()  # one that could not read the log tries again
        await self._end_some()
        sent = {one.id: one.sent for one in self._streams.values() if one.sent != one.noted}
        if sent:
            await self.node.note(sent)
            for row_id, number in sent.items():
                if row_id in self._streams:
                    self._streams[row_id].noted = number

    async def sign(self) -> None:
        """The sign of life of this node; streams without an open row end."""
        lost = await self.node.beat(list(self._streams))
        for row_id in list(self._streams) if lost is None else lost:
            if row_id in self._streams:
                self._streams[row_id].end(Ending.NODE_LOST)

    def _start(self) -> None:
        loops = (
            self._listen(),
            self._turn_wheel(),
            self._every(self._pace.look_s, self.look),
            self._every(self._pace.sign_s, self.sign),
        )
        self._loops = [asyncio.get_running_loop().create_task(one) for one in loops]

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await _tried(step())

    async def _turn_wheel(self) -> None:
        clock = asyncio.get_running_loop()
        due = clock.time()
        while True:
            due = max(due + self._pace.beat_s / SLOTS, clock.time())
            await asyncio.sleep(due - clock.time())
            self._turn = (self._turn + 1) % SLOTS
            for stream in list(self._wheel[self._turn]):
                stream.beat()
            self.node.tell_pages()

    async def _listen(self) -> None:
        while True:
            await _tried(self._hear())
            await asyncio.sleep(self._pace.again_s)

    async def _hear(self) -> None:
        async with self._ctx.database.listening(STREAMS_WAKEUP) as wakeups:
            while True:
                news = {await wakeups.get()}
                while not wakeups.empty():
                    news.add(wakeups.get_nowait())
                # None: what was sent before was not heard.
                named = self._followed if None in news else (one for one in news if one)
                await _tried(self._fetch(list(named)))
                if "" in news:
                    await _tried(self._end_some())

    async def _fetch(self, order_ids: Iterable[str]) -> None:
        # One reader at a time, so that events reach every stream in their order.
        async with self._reading:
            wanted = [self._followed[one] for one in order_ids if one in self._followed]
            if not wanted:
                return
            found = await frames_since(
                self._ctx.database.pool, [(one.order, one.told) for one in wanted]
            )
            handed = 0
            for followed in wanted:
                for frame in found.get(followed.order.order_id, ()):
                    followed.told = frame.seq
                    for stream in list(followed.streams):
                        stream.offer(frame)
                        handed += 1
                        if handed % TURN == 0:
                            await asyncio.sleep(0)

    async def _read(self, order: OrderKey, after: int) -> Sequence[Frame]:
        found = await frames_since(self._ctx.database.pool, [(order, after)])
        return found.get(order.order_id, ())

    async def _end_some(self) -> None:
        if not self._streams:
            return
        for row_id, reason in (await store.to_end(self._ctx.database.pool, self.node.id)).items():
            if row_id in self._streams:
                self._streams[row_id].end(reason)


async def _tried(step: Awaitable[None]) -> None:
    """Do a step of a loop that must go on whatever happens."""
    try:
        await step
    except Exception as error:
        fault = passing_fault(error)
        if fault is None:
            log.exception("a step of the streams failed")
        else:
            FAULTS.note(fault, error, "streams cannot reach the database")
