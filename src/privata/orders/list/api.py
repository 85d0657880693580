"""`/me/orders`: the orders of the organization that a key acts for."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_of
from privata.apikeys.scopes import Scope
from privata.core.cursors import Cursor, parse_cursor
from privata.core.errors import InvalidKey, ScopeRequired, ValidationFailed
from privata.infra.access import kernel_of
from privata.infra.openapi import errors, request_of
from privata.infra.routing import api_router
from privata.infra.wire import json_response, parse_query
from privata.orders import moving
from privata.orders.list import schemas as list_schemas
from privata.orders.search import listing
from privata.orders.search.filters import OrderFilter, read_filter
from privata.orders.search.sql import Scope as OrderScope
from privata.orders.search.sql import Search

router = api_router("Account")


@router.get(
    "/me/orders",
    response_model=list_schemas.OrdersPage,
    responses=errors(InvalidKey, ScopeRequired, ValidationFailed),
    openapi_extra=request_of(query=list_schemas.OrdersQuery, key=True, scopes=(Scope.ORDERS,)),
)
async def list_orders(request: Request) -> Response:
    """Orders that match all filters, newest first.

    A page can be short, or even empty, and still have a `next_cursor`: the time per request is
    limited. Use the cursor to continue the search.
    """
    actor = await actor_of(request, Scope.ORDERS)
    query = parse_query(list_schemas.OrdersQuery, request)
    kernel = kernel_of(request)
    search = Search(
        OrderScope(actor.organization_id, actor.environment),
        _filter(request),
        kernel.clock.now(),
        older_than=_cursor(query.cursor),
    )
    page = await listing.page_of(kernel, search, limit=query.limit, columns=listing.WHOLE)
    shown: dict[str, Any] = {
        "orders": [moving.order_of(kernel, row) for row in page.rows],
        "next_cursor": None if page.older is None else page.older.encode(),
    }
    return json_response(shown)


def _filter(request: Request) -> OrderFilter:
    read = read_filter(request.query_params)
    if read.problems:
        raise ValidationFailed("Invalid filter.", fields=list(read.problems))
    return read.chosen


def _cursor(text: str | None) -> Cursor | None:
    cursor = None if text is None else parse_cursor(text)
    if text is not None and cursor is None:
        sentence = "is not a next_cursor from this route"
        raise ValidationFailed(f"cursor {sentence}.", fields=[("cursor", sentence)])
    return cursor
