"""`/order/create` and `/order/{order_id}`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_of
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
from privata.core.tenancy import Actor
from privata.infra import idempotency
from privata.infra.access import kernel_of
from privata.infra.openapi import errors, request_of
from privata.infra.wire import JsonBytes, json_response, parse_body, parse_query, read_body
from privata.orders import create, schemas, service

router = APIRouter(tags=["Orders"])

IDEMPOTENCY_HEADER = "Idempotency-Key"


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
        headers={IDEMPOTENCY_HEADER: "repeat a call safely: the same answer for 24 hours"},
        key=True,
    ),
)
async def create_order(request: Request) -> Response:
    """Make an order from a quote."""
    actor = await actor_of(request, Scope.ORDERS)
    body = await read_body(request)
    query = parse_query(schemas.CreateOrderQuery, request)
    wanted = parse_body(schemas.CreateOrder, body).wanted(query)
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is None:
        made = await create.create_order(kernel_of(request), actor=actor, wanted=wanted)
        return JsonBytes(made, create.HTTP_CREATED)
    return await _create_once(request, actor, wanted, key, body)


async def _create_once(
    request: Request, actor: Actor, wanted: create.NewOrder, key: str, body: bytes
) -> Response:
    if not 0 < len(key) <= idempotency.MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        sentence = f"must be 1 to {idempotency.MAX_KEY_LENGTH} printable ASCII characters"
        raise ValidationFailed(
            f"{IDEMPOTENCY_HEADER} is malformed.", fields=[(IDEMPOTENCY_HEADER, sentence)]
        )
    kernel = kernel_of(request)
    target = f"{request.url.path}?{request.url.query}"
    digest = idempotency.request_digest(request.method, target, body)
    held = await idempotency.claim(
        kernel.database.pool, actor.organization_id, actor.environment, key, digest
    )
    if isinstance(held, idempotency.Replay):
        return JsonBytes(held.body, held.status_code, {"Idempotent-Replayed": "true"})
    try:
        made = await create.create_order(kernel, actor=actor, wanted=wanted, claim=held)
    except BaseException:
        # No order was made: the key is free again, for the corrected request or a retry.
        await idempotency.release(kernel.database.pool, held)
        raise
    return JsonBytes(made, create.HTTP_CREATED)


@router.get(
    "/order/{order_id}",
    response_model=schemas.Order,
    responses=errors(InvalidKey, ScopeRequired, OrderNotFound),
    openapi_extra=request_of(key=True),
)
async def get_order(request: Request, order_id: str) -> Response:
    """An order with its timeline."""
    actor = await actor_of(request, Scope.ORDERS)
    found = await service.get_order(kernel_of(request), actor=actor, order_id=order_id)
    return json_response(found)
