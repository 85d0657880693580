"""`/order/{order_id}/stream`: an order's events as they happen (docs/streaming.md)."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.errors import OrderNotFound, RateLimited
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.streams.hub import Hub
from privata.streams.rules import Resume
from privata.streams.service import Opened, look, open_stream

router = Router("Streams")

LAST_EVENT_ID: Final = "Last-Event-ID"

#: Ends the reconnecting of every client that follows the standard of server-sent events: any
#: other success says that the connection broke.
HTTP_NOTHING_FOLLOWS: Final = 204

_HEADERS: Final = {
    "Privata-Resume-Source": "`buffer`: all events after your last one; `snapshot`: the state of"
    " the order, then new events; `fresh`: the same, without `Last-Event-ID`",
    "Privata-Resume-Gap-Ms": "age of your last event in milliseconds, if known",
}


_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events until the order ends. `data` is the webhook body, and"
        " `id` is the `event_id`.",
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in _HEADERS.items()
        },
    },
    204: {
        "description": "No more events: the order has ended, and `Last-Event-ID` is its last event."
        " `EventSource` does not reconnect after this response."
    },
}


class EventStream(Response):
    """The answer: an open stream writes itself."""

    media_type = "text/event-stream"

    def __init__(self, opened: Opened, hub: Hub) -> None:
        self.status_code = 200
        self.background = None
        self._stream = opened.stream
        self._hub = hub
        self.init_headers(_headers(opened.resume))

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        try:
            await self._stream.run(start, receive, send)
        finally:
            self._hub.remove(self._stream)


class ClosedStream(Response):
    """The head of such an answer: what a stream would begin with, and no stream."""

    def __init__(self, resume: Resume) -> None:
        super().__init__(headers=_headers(resume))
        del self.headers["content-length"]  # a stream has none


def _headers(resume: Resume) -> dict[str, str]:
    headers = {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "Privata-Resume-Source": resume.source.value,
    }
    if resume.gap_ms is not None:
        headers["Privata-Resume-Gap-Ms"] = str(resume.gap_ms)
    return headers


@router.route(
    "GET",
    "/order/{order_id}/stream",
    Operation(
        access=KeyAccess(Scope.ORDERS),
        headers={
            LAST_EVENT_ID: "The `id` of the last event you received; the stream continues after it"
        },
        errors=(OrderNotFound, RateLimited),
        media=EventStream,
        responses=_ANSWERS,
    ),
)
async def stream_order(request: Request, actor: Actor, order_id: str) -> Response:
    """Stream the events of an order as they happen.

    The stream closes after the order's final status. Reconnecting after that returns 204. Your plan
    limits the number of open streams.
    """
    hub: Hub = request.app.state.streams
    opened = await open_stream(
        context_of(request),
        hub,
        actor=actor,
        order_id=order_id,
        last_event_id=request.headers.get(LAST_EVENT_ID),
    )
    return _nothing_follows() if opened is None else EventStream(opened, hub)


@router.route(
    "HEAD",
    "/order/{order_id}/stream",
    Operation(access=KeyAccess(Scope.ORDERS), documented=False),
)
async def look_at_stream(request: Request, actor: Actor, order_id: str) -> Response:
    """What the stream would begin with. It opens none, and takes no place of those the plan has."""
    start = await look(
        context_of(request),
        actor=actor,
        order_id=order_id,
        last_event_id=request.headers.get(LAST_EVENT_ID),
    )
    return _nothing_follows() if start is None else ClosedStream(start)


def _nothing_follows() -> Response:
    return Response(status_code=HTTP_NOTHING_FOLLOWS, headers={"Cache-Control": "no-store"})
