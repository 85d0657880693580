"""`/order/create` and `/order/{order_id}`."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess, companion_of
from privata.apikeys.admission import Companion
from privata.apikeys.scopes import Scope
from privata.core.errors import (
    DuplicateActiveOrder,
    InvalidAddress,
    NoProvidersAvailable,
    OrderNotFound,
    ProviderFailed,
    QuoteExpired,
)
from privata.core.ids import ORDER_ID
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.once import Answer
from privata.infra.http.operations import Idempotency, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.orders import create, moving, schemas, store
from privata.orders.rows import whole_order

router = Router("Orders")

#: The order comes with the admission of its GET: the most frequent call costs one round trip.
COMPANIONS = ((re.compile(f"/order/({ORDER_ID.pattern})"), Companion(store.GET_ALONG)),)


@router.route(
    "POST",
    "/order/create",
    Operation(
        access=KeyAccess(Scope.ORDERS),
        query=schemas.CreateOrderQuery,
        body=schemas.CreateOrder,
        idempotency=Idempotency(),
        errors=(
            InvalidAddress,
            QuoteExpired,
            DuplicateActiveOrder,
            ProviderFailed,
            NoProvidersAvailable,
        ),
        returns=schemas.Order,
        status=create.HTTP_CREATED,
    ),
)
async def create_order(
    request: Request,
    actor: Actor,
    query: schemas.CreateOrderQuery,
    body: schemas.CreateOrder,
    answer: Answer,
) -> bytes:
    """Create an order from a quote."""
    return await create.create_order(
        context_of(request), actor=actor, wanted=body.wanted(query), claim=answer.claim
    )


@router.route(
    "GET",
    "/order/{order_id}",
    Operation(access=KeyAccess(Scope.ORDERS), errors=(OrderNotFound,), returns=schemas.Order),
)
async def get_order(request: Request, actor: Actor, order_id: str) -> Response:
    """Retrieve an order with its timeline."""
    found = companion_of(request)
    if found is None or found["id"] is None:
        raise OrderNotFound("Order not found.")
    return json_response(moving.order_of(context_of(request), whole_order(found)))
