"""`/currencies`, `/pairs`, `/limits`, `/estimate`: open to all, with and without a key."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_if_any
from privata.core.addresses import extra_id_name
from privata.core.clock import iso
from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    InvalidKey,
    InvalidPair,
    NoProvidersAvailable,
    ScopeRequired,
    ValidationFailed,
)
from privata.core.money import CONTEXT, format_amount, format_significant, usd
from privata.core.tenancy import Environment
from privata.infra.access import kernel_of
from privata.infra.openapi import errors, request_of
from privata.infra.routing import api_router
from privata.infra.wire import json_response, parse_query
from privata.providers import catalogue
from privata.providers.port import Asset, QuoteRequest
from privata.providers.registry import provider_named, public_environment
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

router = api_router("Quotes")

#: Significant digits of the informational `rate`; the binding numbers are the amounts.
_RATE_DIGITS = 12


async def _environment(request: Request) -> tuple[Environment, Any]:
    actor = await actor_if_any(request)
    return (actor.environment, actor.organization_id) if actor else (public_environment(), None)


@router.get(
    "/currencies",
    response_model=Currencies,
    responses=errors(InvalidKey, ScopeRequired),
    openapi_extra=request_of(key=False),
)
async def currencies(request: Request) -> Response:
    """All supported assets."""
    environment, _ = await _environment(request)
    listed = [
        {
            "ticker": asset.ticker,
            "network": asset.network,
            "name": asset.name,
            "decimals": asset.decimals,
            "extra_id": extra_id_name(asset.network),
        }
        for asset in await catalogue.assets(environment)
    ]
    return json_response({"currencies": listed})


@router.get(
    "/pairs",
    response_model=Pairs,
    responses=errors(InvalidKey, ScopeRequired),
    openapi_extra=request_of(key=False),
)
async def pairs(request: Request) -> Response:
    """All supported pairs."""
    environment, _ = await _environment(request)
    listed = [
        {"from": _side(source), "to": _side(target)}
        for source, target in await catalogue.pairs(environment)
    ]
    return json_response({"pairs": listed})


@router.get(
    "/limits",
    response_model=PairLimits,
    responses=errors(
        InvalidKey, ScopeRequired, InvalidPair, NoProvidersAvailable, ValidationFailed
    ),
    openapi_extra=request_of(query=PairQuery, key=False),
)
async def limits(request: Request) -> Response:
    """The minimum and maximum amounts, in the asset being sent."""
    environment, _ = await _environment(request)
    query = parse_query(PairQuery, request)
    source, target = await _pair(environment, query)
    found = await service.limits_for(environment, source, target)
    return json_response(
        {
            **_named(source, target),
            "min": format_amount(found.minimum, source.decimals),
            "max": format_amount(found.maximum, source.decimals),
        }
    )


@router.get(
    "/estimate",
    response_model=Estimates,
    response_model_exclude_none=True,
    responses=errors(
        InvalidKey,
        ScopeRequired,
        InvalidPair,
        AmountTooLow,
        AmountTooHigh,
        NoProvidersAvailable,
        ValidationFailed,
    ),
    openapi_extra=request_of(query=EstimateQuery, key=False),
)
async def estimate(request: Request) -> Response:
    """The best offer for an amount. Valid for 5 minutes and one order."""
    environment, organization_id = await _environment(request)
    query = parse_query(EstimateQuery, request)
    source, target = await _pair(environment, query)
    decimals = source.decimals if query.side == "send" else target.decimals
    if query.amount.as_tuple().exponent < -decimals:  # type: ignore[operator]  # never NaN
        sentence = f"must have at most {decimals} decimals for this asset"
        raise ValidationFailed("amount has too many decimals.", fields=[("amount", sentence)])
    quotes = await service.estimate(
        kernel_of(request),
        organization_id=organization_id,
        environment=environment,
        request=QuoteRequest(source, target, query.amount, query.side, query.rate_type),
        markup_bps=query.markup_bps,
    )
    answer = _shown(quotes[0])
    if query.include == "all":
        answer["offers"] = [_shown(quote) for quote in quotes]
    return json_response(answer)


async def _pair(environment: Environment, query: PairQuery) -> tuple[Asset, Asset]:
    service.require_providers(environment)
    source = await catalogue.find_asset(
        environment, ticker=query.source, network=query.from_network, field="from"
    )
    target = await catalogue.find_asset(
        environment, ticker=query.target, network=query.to_network, field="to"
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


def _shown(quote: Quote) -> dict[str, Any]:
    request, offer = quote.request, quote.offer
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
        "refund_capability": provider_named(offer.provider).refunds.capability,
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
