"""`/me/orders`: the orders of the organization that a key acts for."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.orders import moving
from privata.orders.list import schemas as list_schemas
from privata.orders.search import listing
from privata.orders.search.filters import OrderFilter, read_filter
from privata.orders.search.sql import Scope as OrderScope
from privata.orders.search.sql import Search

router = Router("Account")


@router.route(
    "GET",
    "/me/orders",
    Operation(
        access=KeyAccess(Scope.ORDERS),
        query=list_schemas.OrdersQuery,
        returns=list_schemas.OrdersPage,
    ),
)
async def list_orders(request: Request, actor: Actor, query: list_schemas.OrdersQuery) -> Response:
    """Orders that match all filters, newest first.

    A page can be short, or even empty, and still have a `next_cursor`: the time per request is
    limited. Use the cursor to continue the search.
    """
    ctx = context_of(request)
    search = Search(
        OrderScope(actor.organization_id, actor.environment),
        _filter(request),
        ctx.clock.now(),
        older_than=query.cursor,
    )
    page = await listing.page_of(ctx, search, limit=query.limit, columns=listing.WHOLE)
    shown: dict[str, Any] = {
        "orders": [moving.order_of(ctx, row) for row in page.rows],
        "next_cursor": None if page.older is None else page.older.encode(),
    }
    return json_response(shown)


def _filter(request: Request) -> OrderFilter:
    read = read_filter(request.query_params)
    if read.problems:
        raise ValidationFailed("Invalid filter.", fields=list(read.problems))
    return read.chosen
