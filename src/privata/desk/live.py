"""Live pages: one stream per browser that names the topics that changed, never their content.

A page fetches what it shows through its own view, so permissions and rendering live in one place
and a lost message costs nothing. One connection of the process listens for all of its streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator

import asyncpg
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from privata.core.tenancy import Environment
from privata.events.service import LIVE_BELL
from privata.infra.plane import kernel
from privata.infra.postgres import listening
from privata.organizations.doors import Tenant, tenant_of

log = logging.getLogger(__name__)

#: Seconds between looks whether the person may still watch; each is a comment on the stream, which
#: also keeps the connection. A session that was ended is to be gone here within 5 seconds.
HEARTBEAT_S = 4.0

#: What the browser waits before it connects again, milliseconds.
RETRY_MS = 2000

#: Streams one person may hold; the browser needs one.
MOST_PER_USER = 8

#: Topics that changed and were not sent yet; None ends the stream.
Topics = asyncio.Queue[str | None]


class Hub:
    """Hands what rings on `LIVE_BELL` to the streams of its organization and environment."""

    def __init__(self) -> None:
        self._streams: dict[str, set[Topics]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._held: dict[str, int] = defaultdict(int)

    @contextlib.contextmanager
    def subscription(self, tenant: Tenant) -> Iterator[Topics]:
        """A queue of topics of the tenant."""
        key = f"{tenant.organization_id}:{tenant.environment}"
        topics: Topics = asyncio.Queue(maxsize=64)
        self._streams[key].add(topics)
        self._held[tenant.actor.id] += 1
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            yield topics
        finally:
            self._streams[key].discard(topics)
            self._held[tenant.actor.id] -= 1
            if not self._streams[key]:
                del self._streams[key]

    def full_for(self, tenant: Tenant) -> bool:
        """Whether this person holds as many streams as one may."""
        return self._held[tenant.actor.id] >= MOST_PER_USER

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
                async with listening(kernel().database.url, LIVE_BELL) as bells:
                    while (payload := await bells.get()) is not None:
                        self._tell(payload)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("live pages cannot listen: %s", error)
            await asyncio.sleep(RETRY_MS / 1000)
            # Something may have changed meanwhile: every page looks once.
            for key in list(self._streams):
                for topic in ("orders", "deliveries", "streams"):
                    self._tell(f"{key}:{topic}")

    def _tell(self, payload: str) -> None:
        key, _, topic = payload.rpartition(":")
        for topics in self._streams.get(key, ()):
            with contextlib.suppress(asyncio.QueueFull):
                topics.put_nowait(topic)


hub = Hub()


async def stream(request: HttpRequest, environment: str) -> HttpResponseBase:
    """The stream of one browser; 401 when signed out, so that the page can say so."""
    tenant = await sync_to_async(tenant_of)(request, Environment(environment))
    if isinstance(tenant, HttpResponse):
        return HttpResponse(status=401)
    if hub.full_for(tenant):
        return HttpResponse(status=429, headers={"Retry-After": "10"})
    return StreamingHttpResponse(
        _messages(request, tenant),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(request: HttpRequest, tenant: Tenant) -> AsyncIterator[bytes]:
    number = 0
    with hub.subscription(tenant) as topics:
        yield f"retry: {RETRY_MS}\n: hello\n\n".encode()
        clock = asyncio.get_running_loop()
        look_at = clock.time() + HEARTBEAT_S
        while True:
            # By the clock and not by silence: a busy stream is looked at as often.
            if clock.time() >= look_at:
                if not await sync_to_async(_still_signed_in)(request, tenant):
                    return
                look_at = clock.time() + HEARTBEAT_S
                yield b": beat\n\n"
            try:
                async with asyncio.timeout_at(look_at):
                    topic = await topics.get()
            except TimeoutError:
                continue
            changed = {topic}
            while not topics.empty():
                changed.add(topics.get_nowait())
            if None in changed:
                return
            for each in sorted(filter(None, changed)):
                number += 1
                message = json.dumps({"topic": each, "n": number})
                yield f"id: {number}\ndata: {message}\n\n".encode()


def _still_signed_in(request: HttpRequest, tenant: Tenant) -> bool:
    """A session that was ended, or a membership that was taken away, ends the stream."""
    session = request.session
    if session.session_key is None or not session.exists(session.session_key):
        return False
    again = tenant_of(request, tenant.environment)
    return isinstance(again, Tenant) and again.organization_id == tenant.organization_id
