"""`/currencies`, `/pairs`, `/limits`, `/estimate`: open to all, with and without a key."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KEY_OPTIONAL
from privata.core.addresses import extra_id_name
from privata.core.clock import iso
from privata.core.errors import AmountTooHigh, AmountTooLow, InvalidPair, NoProvidersAvailable
from privata.core.money import CONTEXT, format_amount, format_significant, usd
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.http.access import context_of
from privata.infra.http.operations import Dearer, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.infra.limits import Kind
from privata.providers.port import Asset, QuoteRequest
from privata.quotes import service
from privata.quotes.quote import Quote
from privata.quotes.schemas import (
    Currencies,
    EstimateQuery,
    Estimates,
    PairLimits,
    PairQuery,
    Pairs,
)
from privata.routing import catalogue
from privata.routing.service import routing_of

router = Router("Quotes")

#: Significant digits of the informational `rate`; the binding numbers are the amounts.
_RATE_DIGITS = 12


@router.route("GET", "/currencies", Operation(access=KEY_OPTIONAL, returns=Currencies))
async def currencies(request: Request, actor: Actor | None) -> Response:
    """All supported assets."""
    ctx = context_of(request)
    environment = await service.environment_of(ctx, actor)
    listed = [
        {
            "ticker": asset.ticker,
            "network": asset.network,
            "name": asset.name,
            "decimals": asset.decimals,
            "extra_id": extra_id_name(asset.network),
        }
        for asset in await catalogue.assets(ctx, environment)
    ]
    return json_response({"currencies": listed})


@router.route("GET", "/pairs", Operation(access=KEY_OPTIONAL, returns=Pairs))
async def pairs(request: Request, actor: Actor | None) -> Response:
    """All supported pairs."""
    ctx = context_of(request)
    environment = await service.environment_of(ctx, actor)
    listed = [
        {"from": _side(source), "to": _side(target)}
        for source, target in await catalogue.pairs(ctx, environment)
    ]
    return json_response({"pairs": listed})


@router.route(
    "GET",
    "/limits",
    Operation(
        access=KEY_OPTIONAL,
        query=PairQuery,
        errors=(InvalidPair, NoProvidersAvailable),
        returns=PairLimits,
    ),
)
async def limits(request: Request, actor: Actor | None, query: PairQuery) -> Response:
    """The minimum and maximum amounts, in the asset being sent."""
    ctx = context_of(request)
    environment = await service.environment_of(ctx, actor)
    source, target = await _pair(ctx, environment, query)
    found = await service.limits_for(ctx, environment, source, target)
    return json_response(
        {
            **_named(source, target),
            "min": format_amount(found.minimum, source.decimals),
            "max": format_amount(found.maximum, source.decimals),
        }
    )


@router.route(
    "GET",
    "/estimate",
    Operation(
        access=KEY_OPTIONAL,
        query=EstimateQuery,
        dearer=Dearer("include", "all", Kind.OFFERS),
        errors=(InvalidPair, AmountTooLow, AmountTooHigh, NoProvidersAvailable),
        returns=Estimates,
    ),
)
async def estimate(request: Request, actor: Actor | None, query: EstimateQuery) -> Response:
    """The best offer for an amount. Valid for 5 minutes and one order."""
    ctx = context_of(request)
    environment = await service.environment_of(ctx, actor)
    source, target = await _pair(ctx, environment, query)
    wanted = QuoteRequest(source, target, query.amount, query.side, query.rate_type)
    service.check_decimals(wanted)
    quotes = await service.estimate(
        ctx,
        organization_id=actor.organization_id if actor else None,
        environment=environment,
        request=wanted,
        markup_bps=query.markup_bps,
        include_all=query.include == "all",
    )
    answer = await _shown(ctx, quotes[0])
    if query.include == "all":
        answer["offers"] = [await _shown(ctx, quote) for quote in quotes]
    return json_response(answer)


async def _pair(ctx: AppContext, environment: Environment, query: PairQuery) -> tuple[Asset, Asset]:
    await service.require_providers(ctx, environment)
    source = await catalogue.find_asset(
        ctx, environment, ticker=query.source, network=query.from_network, field="from"
    )
    target = await catalogue.find_asset(
        ctx, environment, ticker=query.target, network=query.to_network, field="to"
    )
    for asset, ticker, network in (
        (source, query.source, query.from_network),
        (target, query.target, query.to_network),
    ):
        if asset is None:
            where = f" on {network.upper()}" if network else ""
            raise InvalidPair(f"No provider supports {ticker.upper()}{where}.")
    assert source is not None
    assert target is not None
    return source, target


async def _shown(ctx: AppContext, quote: Quote) -> dict[str, Any]:
    request, offer = quote.request, quote.offer
    provider = await routing_of(ctx).provider(quote.environment, offer.provider)
    rate = CONTEXT.divide(offer.amount_to, offer.amount_from)
    return {
        "quote_id": quote.id,
        "provider": offer.provider,
        **_named(request.source, request.target),
        "amount_from": format_amount(offer.amount_from, request.source.decimals),
        "amount_to": format_amount(offer.amount_to, request.target.decimals),
        "rate": format_significant(rate, _RATE_DIGITS),
        "side": request.side,
        "rate_type": request.rate_type,
        "markup_bps": quote.markup_bps,
        "usd_value": None if offer.usd_value is None else str(usd(offer.usd_value)),
        "refund_capability": provider.refunds.capability,
        "sandbox": quote.environment is Environment.TEST,
        "expires_at": iso(quote.expires_at),
    }


def _named(source: Asset, target: Asset) -> dict[str, str]:
    return {
        "from": source.ticker,
        "from_network": source.network,
        "to": target.ticker,
        "to_network": target.network,
    }


def _side(asset: Asset) -> dict[str, str]:
    return {"ticker": asset.ticker, "network": asset.network}
