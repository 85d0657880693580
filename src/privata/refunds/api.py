"""The refund of an order: choosing its action, reading it; and what providers can do."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_if_any, actor_of
from privata.apikeys.scopes import Scope
from privata.core.errors import (
    IdempotencyConflict,
    InvalidAddress,
    InvalidKey,
    OrderNotFound,
    RefundNotProgrammatic,
    RefundNotRequired,
    RefundWindowExpired,
    ScopeRequired,
    StableTargetRequired,
    ValidationFailed,
)
from privata.infra.access import kernel_of
from privata.infra.once import IDEMPOTENCY_DOC, Answer, once
from privata.infra.openapi import errors, request_of
from privata.infra.routing import api_router
from privata.infra.wire import json_response, parse_body, read_body
from privata.orders.service import get_order
from privata.providers.port import Provider
from privata.providers.registry import providers_for, public_environment
from privata.refunds import schemas, service
from privata.refunds.rules import RefundAction, RefundSource, RefundState, StableTarget

router = api_router("Refunds")

HTTP_OK: Final = 200


@router.post(
    "/order/{order_id}/refund-action",
    response_model=schemas.Refund,
    responses=errors(
        InvalidKey,
        ScopeRequired,
        ValidationFailed,
        OrderNotFound,
        InvalidAddress,
        StableTargetRequired,
        RefundNotRequired,
        RefundNotProgrammatic,
        RefundWindowExpired,
        IdempotencyConflict,
    ),
    openapi_extra=request_of(
        body=schemas.RefundActionBody, headers=IDEMPOTENCY_DOC, key=True, scopes=(Scope.ORDERS,)
    ),
)
async def refund_action(request: Request, order_id: str) -> Response:
    """Choose what happens to the deposit of an order in `refund_required`. You can choose once.

    The action starts immediately, and `order.refunded` is sent when it completes. Sending the same
    action again returns its current state.
    """
    actor = await actor_of(request, Scope.ORDERS)
    body = await read_body(request)
    wish = parse_body(schemas.RefundActionBody, body).wish()

    async def work(answer: Answer) -> bytes:
        return await service.request_refund(
            kernel_of(request),
            actor=actor,
            order_id=order_id,
            wish=wish,
            source=RefundSource.API,
            keep=answer.keep,
        )

    return await once(request, actor, status_code=HTTP_OK, body=body, work=work)


@router.get(
    "/order/{order_id}/refund",
    operation_id="getRefund",
    response_model=schemas.RefundStanding,
    responses=errors(InvalidKey, ScopeRequired, OrderNotFound, RefundNotRequired),
    openapi_extra=request_of(key=True, scopes=(Scope.ORDERS,)),
)
async def get_refund(request: Request, order_id: str) -> Response:
    """The state of an order's refund and the deadline for choosing an action."""
    actor = await actor_of(request, Scope.ORDERS)
    order = await get_order(kernel_of(request), actor=actor, order_id=order_id)
    refund = order["refund"]
    if refund is None:
        raise RefundNotRequired(
            f"This order is {order['status']} and has no refund.",
            data={"status": order["status"]},
        )
    done = refund["state"] == RefundState.DONE
    shown = {
        "order_id": order["order_id"],
        "status": order["status"],
        **refund,
        "tx_out_hash": order["tx_out_hash"] if done else None,
    }
    return json_response(shown)


@router.get(
    "/providers/refund-capability",
    response_model=schemas.RefundCapabilities,
    responses=errors(InvalidKey),
    openapi_extra=request_of(key=False),
)
async def refund_capability(request: Request) -> Response:
    """How each provider handles deposits it cannot swap."""
    actor = await actor_if_any(request)
    environment = actor.environment if actor else public_environment()
    return json_response({"providers": [_capability(one) for one in providers_for(environment)]})


def _capability(provider: Provider) -> dict[str, Any]:
    refunds = provider.refunds
    programmatic = refunds.capability == "programmatic"
    return {
        "provider": provider.name,
        "refund_capability": refunds.capability,
        "refund_window_hours": refunds.window_hours,
        "refund_sla_hours": refunds.sla_hours,
        "actions": [RefundAction.RETURN, RefundAction.CONVERT] if programmatic else [],
        "stable_targets": list(StableTarget) if programmatic else [],
    }
