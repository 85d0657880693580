"""`/me`: whom a key acts for, and what it may do. Put together out of several rooms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.api import me_schemas
from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.money import floor_to
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.infra.limits import Kind, limits_of
from privata.organizations.profile import profile_of
from privata.payouts.sandbox import balances

router = Router("Account")

#: A publishable key stands in browsers: it learns nothing about the organization.
_ANY_SECRET_KEY = KeyAccess(
    Scope.ORDERS,
    Scope.WEBHOOK_ADMIN,
    Scope.PAYOUTS_READ,
    Scope.PAYOUTS_TRIGGER,
)


@router.route("GET", "/me", Operation(access=_ANY_SECRET_KEY, returns=me_schemas.Me))
async def get_me(request: Request, actor: Actor) -> Response:
    """Your organization, the API key, its limits, and, with the `payouts:read` scope, balances."""
    ctx = context_of(request)
    profile = await profile_of(ctx, actor=actor)
    limits = limits_of(ctx.settings)
    shown: dict[str, Any] = {
        "organization": {
            "id": str(actor.organization_id),
            "name": profile.name,
            "status": profile.status.value,
        },
        "environment": actor.environment.value,
        "plan": profile.plan.value,
        "key": {"id": actor.id, "prefix": actor.label, "scopes": sorted(actor.scopes)},
        "limits": {
            "reads_per_minute": limits[Kind.READ][0],
            "writes_per_minute": limits[Kind.WRITE][0],
            "offers_per_minute": limits[Kind.OFFERS][0],
            "streams": profile.streams(actor.environment),
        },
    }
    if Scope.PAYOUTS_READ in actor.scopes:
        shown["balances"] = await _balances(ctx, actor)
    return json_response(shown)


async def _balances(ctx: AppContext, actor: Actor) -> dict[str, str]:
    """Cut to cents, not rounded: what is shown as available can be asked for."""
    held = await balances(ctx, actor)
    cents = {name: format(floor_to(amount, 2), "f") for name, amount in asdict(held).items()}
    return {"currency": "USD", **cents}
