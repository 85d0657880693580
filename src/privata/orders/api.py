"""`/order/create` and `/order/{order_id}`."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_of, companion_of
from privata.apikeys.admission import Companion
from privata.apikeys.scopes import Scope
from privata.core.errors import (
    DuplicateActiveOrder,
    IdempotencyConflict,
    InvalidAddress,
    InvalidKey,
    NoProvidersAvailable,
    OrderNotFound,
    ProviderFailed,
    QuoteExpired,
    ScopeRequired,
    ValidationFailed,
)
from privata.core.ids import ORDER_ID
from privata.infra.access import kernel_of
from privata.infra.once import IDEMPOTENCY_DOC, Answer, once
from privata.infra.openapi import errors, request_of
from privata.infra.routing import api_router
from privata.infra.wire import json_response, parse_body, parse_query, read_body
from privata.orders import create, moving, schemas, store
from privata.orders.rows import whole_order

router = api_router("Orders")

#: The order comes with the admission of its GET: the most frequent call costs one round trip.
COMPANIONS = ((re.compile(f"/order/({ORDER_ID.pattern})"), Companion(store.GET_ALONG)),)


@router.post(
    "/order/create",
    status_code=create.HTTP_CREATED,
    response_model=schemas.Order,
    responses=errors(
        InvalidKey,
        ScopeRequired,
        ValidationFailed,
        InvalidAddress,
        QuoteExpired,
        DuplicateActiveOrder,
        IdempotencyConflict,
        ProviderFailed,
        NoProvidersAvailable,
    ),
    openapi_extra=request_of(
        query=schemas.CreateOrderQuery,
        body=schemas.CreateOrder,
        headers=IDEMPOTENCY_DOC,
        key=True,
        scopes=(Scope.ORDERS,),
    ),
)
async def create_order(request: Request) -> Response:
    """Create an order from a quote."""
    actor = await actor_of(request, Scope.ORDERS)
    body = await read_body(request)
    query = parse_query(schemas.CreateOrderQuery, request)
    wanted = parse_body(schemas.CreateOrder, body).wanted(query)

    async def work(answer: Answer) -> bytes:
        return await create.create_order(
            kernel_of(request), actor=actor, wanted=wanted, claim=answer.claim
        )

    return await once(request, actor, status_code=create.HTTP_CREATED, body=body, work=work)


@router.get(
    "/order/{order_id}",
    response_model=schemas.Order,
    responses=errors(InvalidKey, ScopeRequired, OrderNotFound),
    openapi_extra=request_of(key=True, scopes=(Scope.ORDERS,)),
)
async def get_order(request: Request, order_id: str) -> Response:
    """Retrieve an order with its timeline."""
    await actor_of(request, Scope.ORDERS)
    found = companion_of(request)
    if found is None or found["id"] is None:
        raise OrderNotFound("Order not found.")
    return json_response(moving.order_of(kernel_of(request), whole_order(found)))
