"""Live pages: one stream per browser that names the topics that changed, never their content.

A page fetches what it shows through its own view, so permissions and rendering live in one place
and a lost message costs nothing. One connection of the process listens for all of its streams.

A page says when it was made, and is told of what changed since: its stream opens a little later.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from privata.access.tenants import Tenant
from privata.core.tenancy import Environment
from privata.dashboard.connections import give_back
from privata.dashboard.live_hub import RETRY_MS, Hub
from privata.infra.database.faults import passing_fault
from privata.infra.faults import FAULTS
from privata.organizations.tenant_context import tenant_of

#: Seconds between looks whether the person may still watch; each is a comment on the stream, which
#: also keeps the connection. A session that was ended is to be gone here within 5 seconds.
HEARTBEAT_S = 4.0

hub = Hub()


async def stream(request: HttpRequest, environment: str) -> HttpResponseBase:
    """The stream of one browser; 401 when signed out, so that the page can say so."""
    tenant = await sync_to_async(tenant_of)(request, Environment(environment))
    if isinstance(tenant, HttpResponse):
        return HttpResponse(status=401)
    if hub.full_for(tenant.actor.id):
        return HttpResponse(status=429, headers={"Retry-After": "10"})
    return StreamingHttpResponse(
        _messages(request, tenant, _made_at(request)),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _made_at(request: HttpRequest) -> float | None:
    """When the page was made that opens the stream; None where it does not say."""
    text = request.GET.get("since", "")
    return int(text) / 1000 if text.isascii() and text.isdecimal() and len(text) < 16 else None


async def _messages(
    request: HttpRequest, tenant: Tenant, made_at: float | None
) -> AsyncIterator[bytes]:
    number = 0
    key = f"{tenant.organization_id}:{tenant.environment}"
    with hub.subscription(key, tenant.actor.id, made_at) as topics:
        yield f"retry: {RETRY_MS}\n: hello\n\n".encode()
        clock = asyncio.get_running_loop()
        look_at = clock.time() + HEARTBEAT_S
        while True:
            # By the clock and not by silence: a busy stream is looked at as often.
            if clock.time() >= look_at:
                if not await sync_to_async(_still_signed_in)(request, tenant):
                    return  # or it cannot be known; the page connects again
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
    try:
        if session.session_key is None or not session.exists(session.session_key):
            return False
        again = tenant_of(request, tenant.environment)
        return isinstance(again, Tenant) and again.organization_id == tenant.organization_id
    except Exception as error:
        fault = passing_fault(error)
        if fault is None:
            raise
        FAULTS.note(fault, error, "a live page")
        return False
    finally:
        give_back()
