"""`/validate-address`: is this an address of an asset's network? Open to all, without a quote."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KEY_OPTIONAL
from privata.core.addresses import AddressError, networks, validate_address
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.quotes.schemas import AddressQuery, AddressValidation
from privata.routing import catalogue
from privata.routing.service import routing_of

router = Router("Quotes")


@router.route(
    "GET",
    "/validate-address",
    Operation(access=KEY_OPTIONAL, query=AddressQuery, returns=AddressValidation),
)
async def validate(request: Request, actor: Actor | None, query: AddressQuery) -> Response:
    """Validate an address and its memo or tag the way order creation does.

    Returns 200 for valid and invalid addresses. Check `valid`. Nothing is stored.
    """
    ctx = context_of(request)
    environment = actor.environment if actor else await routing_of(ctx).public_environment()
    return json_response(await _judged(ctx, environment, query))


async def _judged(ctx: AppContext, environment: Environment, query: AddressQuery) -> dict[str, Any]:
    network = await _network(ctx, environment, query)
    asked = {"currency": query.currency.upper(), "network": network}
    try:
        found = validate_address(network, query.address, query.extra_id)
    except AddressError as error:
        wrong = dict.fromkeys(("address", "extra_id", "extra_id_type"))
        return {"valid": False, **asked, **wrong, "field": error.field, "reason": error.message}
    return {
        "valid": True,
        **asked,
        "address": found.address,
        "extra_id": found.extra_id,
        "extra_id_type": found.extra_id_type,
        "field": None,
        "reason": None,
    }


async def _network(ctx: AppContext, environment: Environment, query: AddressQuery) -> str:
    """The network whose rules count; `ValidationFailed` if there is none, or more than one.

    An asset that nobody swaps at the moment has its network's rules all the same.
    """
    asset = await catalogue.find_asset(
        ctx, environment, ticker=query.currency, network=query.network, field=""
    )
    if asset is not None:
        return asset.network
    field, named = "currency", query.currency
    if query.network is not None:
        field, named = "network", query.network
    if named.upper() not in networks():
        sentence = "has no known network; see /currencies, or set network"
        if query.network is not None:
            sentence = "is not a known network; see /currencies"
        raise ValidationFailed(f"{field} {sentence}.", fields=[(field, sentence)])
    return named.upper()
