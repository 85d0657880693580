"""The refund of an order: choosing its action, reading it; and what providers can do."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KEY_OPTIONAL, KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.errors import (
    InvalidAddress,
    OrderNotFound,
    RefundNotProgrammatic,
    RefundNotRequired,
    RefundWindowExpired,
    StableTargetRequired,
)
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.once import Answer
from privata.infra.http.operations import Idempotency, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.orders.service import get_order
from privata.providers.port import Provider
from privata.refunds import schemas, service
from privata.refunds.rules import RefundAction, RefundSource, RefundState, StableTarget
from privata.routing.service import routing_of

router = Router("Refunds")


@router.route(
    "POST",
    "/order/{order_id}/refund-action",
    Operation(
        access=KeyAccess(Scope.ORDERS),
        body=schemas.RefundActionBody,
        idempotency=Idempotency(),
        errors=(
            OrderNotFound,
            InvalidAddress,
            StableTargetRequired,
            RefundNotRequired,
            RefundNotProgrammatic,
            RefundWindowExpired,
        ),
        returns=schemas.Refund,
    ),
)
async def refund_action(
    request: Request,
    actor: Actor,
    order_id: str,
    body: schemas.RefundActionBody,
    answer: Answer,
) -> bytes:
    """Choose what happens to the deposit of an order in `refund_required`. You can choose once.

    The action starts immediately, and `order.refunded` is sent when it completes. Sending the same
    action again returns its current state.
    """
    return await service.request_refund(
        context_of(request),
        actor=actor,
        order_id=order_id,
        wish=body.wish(),
        source=RefundSource.API,
        keep=answer.keep,
    )


@router.route(
    "GET",
    "/order/{order_id}/refund",
    Operation(
        access=KeyAccess(Scope.ORDERS),
        errors=(OrderNotFound, RefundNotRequired),
        returns=schemas.RefundStanding,
    ),
)
async def get_refund(request: Request, actor: Actor, order_id: str) -> Response:
    """The state of an order's refund and the deadline for choosing an action."""
    order = await get_order(context_of(request), actor=actor, order_id=order_id)
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


@router.route(
    "GET",
    "/providers/refund-capability",
    Operation(access=KEY_OPTIONAL, returns=schemas.RefundCapabilities),
)
async def refund_capability(request: Request, actor: Actor | None) -> Response:
    """How each provider handles deposits it cannot swap."""
    routing = routing_of(context_of(request))
    environment = actor.environment if actor else await routing.public_environment()
    listed = await routing.enabled(environment, actor.organization_id if actor else None)
    return json_response({"providers": [_capability(one.provider) for one in listed]})


def _capability(provider: Provider) -> dict[str, Any]:
    refunds = provider.refunds
    programmatic = refunds.capability == "programmatic"
    actions = [RefundAction.RETURN] if programmatic else []
    if programmatic and refunds.converts:
        actions.append(RefundAction.CONVERT)
    return {
        "provider": provider.name,
        "refund_capability": refunds.capability,
        "refund_window_hours": refunds.window_hours,
        "refund_sla_hours": refunds.sla_hours,
        "actions": actions,
        "stable_targets": list(StableTarget) if RefundAction.CONVERT in actions else [],
    }
