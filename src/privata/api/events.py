"""`/events`: the event log, to read from the beginning or from where one stopped."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.clock import iso
from privata.core.errors import Resync
from privata.core.tenancy import Actor
from privata.events.feed import (
    BEGINNING,
    CURSOR,
    MAX_CURSOR_CHARS,
    MAX_LIMIT,
    events_after,
)
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import Wire, json_response

router = Router("Events")


class FeedQuery(Wire):
    """Where to go on, and how far."""

    after: Annotated[
        str,
        Field(
            pattern=rf"^({BEGINNING}|{CURSOR.pattern})$",
            max_length=MAX_CURSOR_CHARS,
            description="`last` from the previous page; 0: from the beginning",
            examples=[BEGINNING],
        ),
    ] = BEGINNING
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100


class FeedEvent(BaseModel):
    """An event. `seq` is its position in the feed. `body` is the webhook body, byte for byte."""

    seq: int
    event_id: str
    type: str
    channel: str
    order_id: str | None
    created_at: str
    body: dict[str, Any]


class Feed(BaseModel):
    """A page of events. Continue with `after` = `last`."""

    events: list[FeedEvent]
    last: str
    more: bool


@router.route(
    "GET",
    "/events",
    Operation(
        access=KeyAccess(Scope.ORDERS, Scope.WEBHOOK_ADMIN),
        query=FeedQuery,
        errors=(Resync,),
        returns=Feed,
    ),
)
async def read_events(request: Request, actor: Actor, query: FeedQuery) -> Response:
    """All events in this environment, in order, with the same bodies as webhooks.

    After a restore of our database, cursors from before it return `RESYNC`, and so do cursors from
    an earlier release, and those from before events that were removed after their time: read again
    from `after=0`, and skip the event IDs you already have.
    """
    page = await events_after(
        context_of(request), actor=actor, after=query.after, limit=query.limit
    )
    shown = [
        {
            "seq": event.seq,
            "event_id": event.event_id,
            "type": event.type,
            "channel": event.channel,
            "order_id": event.order_id,
            "created_at": iso(event.created_at),
            "body": msgspec.Raw(event.body),
        }
        for event in page.events
    ]
    return json_response({"events": shown, "last": page.last, "more": page.more})
