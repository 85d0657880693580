"""Asking the providers and remembering what they offered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    InvalidPair,
    NoProvidersAvailable,
    ProviderError,
    ValidationFailed,
)
from privata.core.ids import new_quote_id
from privata.core.money import format_amount
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.providers import catalogue
from privata.providers.port import Asset, Limits, Offer, Provider, QuoteRequest
from privata.providers.registry import providers_for, public_environment
from privata.quotes import store
from privata.quotes.quote import Quote
from privata.quotes.rules import PROVIDER_DEADLINE_S, QUOTE_LIFETIME, best_first, with_markup

__all__ = [
    "Asset",
    "Limits",
    "QuoteRequest",
    "assets",
    "check_decimals",
    "environment_of",
    "estimate",
    "limits_for",
    "pairs",
    "require_providers",
]

log = logging.getLogger(__name__)


def environment_of(actor: Actor | None) -> Environment:
    """Whose prices a caller sees: those of the key, or what is shown without one."""
    return actor.environment if actor else public_environment()


async def assets(environment: Environment) -> tuple[Asset, ...]:
    """Every asset that can be swapped, by ticker and network."""
    return await catalogue.assets(environment)


async def pairs(environment: Environment) -> tuple[tuple[Asset, Asset], ...]:
    """Every pair that can be swapped: what is sent, and what is received."""
    return await catalogue.pairs(environment)


def require_providers(environment: Environment) -> tuple[Provider, ...]:
    """The enabled providers; `NoProvidersAvailable` where there are none."""
    providers = providers_for(environment)
    if not providers:
        raise NoProvidersAvailable(f"No provider is enabled for {environment} orders.")
    return providers


async def limits_for(environment: Environment, source: Asset, target: Asset) -> Limits:
    """The widest bounds over the providers that have the pair; `InvalidPair` if none has."""
    found = [limits for _, limits in await _able(environment, source, target)]
    return Limits(min(one.minimum for one in found), max(one.maximum for one in found))


def check_decimals(request: QuoteRequest) -> None:
    """`ValidationFailed` for an amount with more decimals than its asset has."""
    decimals = (request.source if request.side == "send" else request.target).decimals
    if request.amount.as_tuple().exponent < -decimals:  # type: ignore[operator]  # never NaN
        sentence = f"must have at most {decimals} decimals for this asset"
        raise ValidationFailed("amount has too many decimals.", fields=[("amount", sentence)])


async def estimate(
    ctx: AppContext,
    *,
    organization_id: UUID | None,
    environment: Environment,
    request: QuoteRequest,
    markup_bps: int,
) -> list[Quote]:
    """Offers of all providers that take the amount, best first, each stored as a quote."""
    able = await _able(environment, request.source, request.target)
    answers = await asyncio.gather(*(_ask(provider, request) for provider, _ in able))
    offered = [
        (offer, limits)
        for offer, (_, limits) in zip(answers, able, strict=True)
        if offer is not None
    ]
    if not offered:
        raise NoProvidersAvailable("No provider is responding. Try again shortly.")
    fitting = [offer for offer, limits in offered if _within(offer.amount_from, limits)]
    if not fitting:
        raise _wrong_amount(offered, request.source)
    expires_at = ctx.clock.now() + QUOTE_LIFETIME
    marked = [with_markup(offer, request, markup_bps) for offer in fitting]
    quotes = [
        Quote(new_quote_id(), environment, request, offer, markup_bps, expires_at)
        for offer in best_first(marked, request.side)
        if offer.amount_to > 0
    ]
    if not quotes:
        raise _wrong_amount(offered, request.source)
    await store.insert_quotes(ctx.database.pool, organization_id, quotes)
    return quotes


async def _able(
    environment: Environment, source: Asset, target: Asset
) -> list[tuple[Provider, Limits]]:
    able: list[tuple[Provider, Limits]] = []
    for provider in require_providers(environment):
        limits = await provider.limits(source, target)
        if limits is not None:
            able.append((provider, limits))
    if not able:
        raise _no_pair(source, target)
    return able


async def _ask(provider: Provider, request: QuoteRequest) -> Offer | None:
    try:
        async with asyncio.timeout(PROVIDER_DEADLINE_S):
            return await provider.quote(request)
    except (ProviderError, TimeoutError) as error:
        log.warning("provider %s gave no quote: %s", provider.name, error or "too slow")
        return None


def _within(amount: Decimal, limits: Limits) -> bool:
    return limits.minimum <= amount <= limits.maximum


def _wrong_amount(
    offered: Sequence[tuple[Offer, Limits]], source: Asset
) -> AmountTooLow | AmountTooHigh:
    lowest = min(limits.minimum for _, limits in offered)
    highest = max(limits.maximum for _, limits in offered)
    minimum = format_amount(lowest, source.decimals)
    maximum = format_amount(highest, source.decimals)
    data = {"min": minimum, "max": maximum}
    if all(offer.amount_from > limits.maximum for offer, limits in offered):
        return AmountTooHigh(f"The maximum amount is {maximum} {source.ticker}.", data=data)
    return AmountTooLow(f"The minimum amount is {minimum} {source.ticker}.", data=data)


def _no_pair(source: Asset, target: Asset) -> InvalidPair:
    return InvalidPair(
        f"No provider swaps {source.ticker} on {source.network} "
        f"to {target.ticker} on {target.network}."
    )
