"""Which streams of live pages there are, and handing them what comes on `LIVE_WAKEUP`."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, defaultdict
from collections.abc import Iterator

from privata.events.service import LIVE_WAKEUP
from privata.infra.database.faults import passing_fault
from privata.infra.faults import FAULTS
from privata.infra.plane import app_context, current_time

#: What a browser waits before it connects again, and this process before it listens again, ms.
RETRY_MS = 2000

#: Streams one person may hold; the browser needs one.
MOST_PER_USER = 8

#: The topic that makes a page fetch everything that is live on it.
EVERYTHING = "refresh"

#: Seconds for which it is known what changed. A page is read from the database up to `READ_S`
#: before the moment that it bears; the clocks of several machines may differ by some of that.
MEMORY_S = 60.0
READ_S = 1.0

#: Topics that changed and were not sent yet; None ends the stream.
Topics = asyncio.Queue[str | None]


class Hub:
    """Hands what comes on `LIVE_WAKEUP` to the streams of its key: organization and environment."""

    def __init__(self) -> None:
        self._streams: dict[str, set[Topics]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._held: dict[str, int] = defaultdict(int)
        self._changed: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._listening_since: float | None = None

    @contextlib.contextmanager
    def subscription(self, key: str, person: str, made_at: float | None = None) -> Iterator[Topics]:
        """A queue of topics of `key`; `made_at` is when the page was made, unix seconds."""
        topics: Topics = asyncio.Queue(maxsize=64)
        self._streams[key].add(topics)
        self._held[person] += 1
        if self._listener is None or self._listener.done():
            self._listening_since = None
            self._listener = asyncio.create_task(self._listen())
        if made_at is not None:
            for topic in self._missed(key, made_at):
                topics.put_nowait(topic)
        try:
            yield topics
        finally:
            self._streams[key].discard(topics)
            self._held[person] -= 1
            if not self._streams[key]:
                del self._streams[key]

    def full_for(self, person: str) -> bool:
        """Whether this person holds as many streams as one may."""
        return self._held[person] >= MOST_PER_USER

    def close(self) -> None:
        """End every stream: the server is stopping, browsers connect again."""
        if self._listener is not None:
            self._listener.cancel()
        for streams in self._streams.values():
            for topics in streams:
                while topics.full():
                    topics.get_nowait()
                topics.put_nowait(None)

    async def _listen(self) -> None:
        while True:
            try:
                async with app_context().database.listening(LIVE_WAKEUP) as wakeups:
                    while True:
                        self._hear(await wakeups.get())
            except Exception as error:
                fault = passing_fault(error)
                if fault is None:
                    raise
                FAULTS.note(fault, error, "live pages cannot listen")
            self._listening_since = None
            await asyncio.sleep(RETRY_MS / 1000)

    def _hear(self, payload: str | None) -> None:
        if payload is not None:
            self._tell(payload)
            return
        # Something may have changed unheard: every page looks once.
        self._listening_since = current_time().timestamp()
        for key in list(self._streams):
            self._tell(f"{key}:{EVERYTHING}")

    def _missed(self, key: str, made_at: float) -> list[str]:
        """What changed since a page was read; everything where that is not known."""
        if self._listening_since is None:
            return []  # every page is told when it begins
        read_at = made_at - READ_S
        if read_at < max(self._listening_since, current_time().timestamp() - MEMORY_S):
            return [EVERYTHING]
        return [topic for (of, topic), at in self._changed.items() if of == key and at >= read_at]

    def _tell(self, payload: str) -> None:
        key, _, topic = payload.rpartition(":")
        now = current_time().timestamp()
        self._changed[key, topic] = now
        self._changed.move_to_end((key, topic))
        while next(iter(self._changed.values())) < now - MEMORY_S:
            self._changed.popitem(last=False)
        for topics in self._streams.get(key, ()):
            with contextlib.suppress(asyncio.QueueFull):
                topics.put_nowait(topic)
