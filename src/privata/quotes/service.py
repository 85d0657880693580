"""Asking the providers and remembering what they offered."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    InvalidPair,
    NoProvidersAvailable,
    ValidationFailed,
)
from privata.core.ids import new_quote_id
from privata.core.money import format_amount
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.providers.port import Asset, Limits, Offer, QuoteRequest
from privata.quotes import store
from privata.quotes.asking import Answers, ask_all
from privata.quotes.prices.reading import prices_of
from privata.quotes.quote import Quote
from privata.quotes.rules import QUOTE_LIFETIME, best_first, good_enough, without_relisted
from privata.routing import catalogue
from privata.routing.service import Listed, routing_of

__all__ = [
    "Asset",
    "Limits",
    "QuoteRequest",
    "assets",
    "check_decimals",
    "environment_of",
    "estimate",
    "limits_for",
    "next_best",
    "pairs",
    "require_providers",
]


async def environment_of(ctx: AppContext, actor: Actor | None) -> Environment:
    """Whose prices a caller sees: those of the key, or what is shown without one."""
    return actor.environment if actor else await routing_of(ctx).public_environment()


async def assets(ctx: AppContext, environment: Environment) -> tuple[Asset, ...]:
    """Every asset that can be swapped, by ticker and network."""
    return await catalogue.assets(ctx, environment)


async def pairs(ctx: AppContext, environment: Environment) -> tuple[tuple[Asset, Asset], ...]:
    """Every pair that can be swapped: what is sent, and what is received."""
    return await catalogue.pairs(ctx, environment)


async def require_providers(ctx: AppContext, environment: Environment) -> None:
    """`NoProvidersAvailable` where none is enabled."""
    if not await routing_of(ctx).enabled(environment):
        raise NoProvidersAvailable(f"No provider is enabled for {environment} orders.")


async def limits_for(
    ctx: AppContext, environment: Environment, source: Asset, target: Asset
) -> Limits:
    """The widest bounds over the providers that have the pair; `InvalidPair` if none has."""
    found = await catalogue.limits(ctx, environment, source, target)
    if not found:
        raise _no_pair(source, target)
    return _widest(found)


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
    markup_bps: int | None = None,
    include_all: bool = False,
) -> list[Quote]:
    """The best offer for the user, stored as a quote; with `include_all` every one, best first.

    `markup_bps` None: what the partner set for the provider, or for all.
    """
    listed = await routing_of(ctx).enabled(environment, organization_id)
    answers = await _answers(ctx, environment, listed, request, markup_bps)
    offers = await _ranked(ctx, environment, listed, answers, request)
    if not offers:
        raise await _nothing_fits(ctx, environment, answers, request)
    expires_at = ctx.clock.now() + QUOTE_LIFETIME
    valued = await _valued(ctx, offers if include_all else offers[:1], request)
    quotes = [
        Quote(
            new_quote_id(),
            environment,
            request,
            offer,
            offer.markup_bps,
            expires_at,
        )
        for offer in valued
    ]
    await store.insert_quotes(ctx.database.pool, organization_id, quotes)
    return quotes


async def next_best(
    ctx: AppContext,
    *,
    organization_id: UUID,
    environment: Environment,
    request: QuoteRequest,
    markup_bps: int,
    quoted: Decimal,
    without: str,
) -> Offer | None:
    """The best offer of the other providers for an order whose provider has failed.

    None if no other gives nearly what was quoted (`rules.FALLBACK_LOSS`). Nothing is stored.
    """
    listed = await routing_of(ctx).enabled(environment, organization_id)
    others = [one for one in listed if one.name != without and _lists(one, request)]
    answers = await ask_all(ctx, others, request, markup_bps)
    # What an aggregator passes on from the one that has just failed would fail again.
    answers.offers = without_relisted(answers.offers, (without,))
    best = (await _ranked(ctx, environment, listed, answers, request))[:1]
    return best[0] if best and good_enough(best[0].amount_to, quoted) else None


def _lists(one: Listed, request: QuoteRequest) -> bool:
    pair = {request.source, request.target}
    return len(pair) == 2 and pair <= one.assets  # a pair


async def _answers(
    ctx: AppContext,
    environment: Environment,
    listed: Sequence[Listed],
    request: QuoteRequest,
    markup_bps: int | None,
) -> Answers:
    if not listed:
        raise NoProvidersAvailable(f"No provider is enabled for {environment} orders.")
    able = [one for one in listed if _lists(one, request)]
    if not able:
        raise _no_pair(request.source, request.target)
    return await ask_all(ctx, able, request, markup_bps)


async def _ranked(
    ctx: AppContext,
    environment: Environment,
    listed: Sequence[Listed],
    answers: Answers,
    request: QuoteRequest,
) -> list[Offer]:
    """The offers, best first, without those that come from the same exchange twice."""
    every = await routing_of(ctx).enabled(environment)
    unwanted = {one.name for one in every} - {one.name for one in listed}
    offers = without_relisted(answers.offers, [one.provider for one in answers.offers], unwanted)
    success = {one.name: one.success for one in listed if one.success is not None}
    return best_first(offers, request.side, success)


async def _valued(ctx: AppContext, offers: Sequence[Offer], request: QuoteRequest) -> list[Offer]:
    if all(offer.usd_value is not None for offer in offers):
        return list(offers)
    prices = await prices_of(ctx)
    return [
        replace(offer, usd_value=prices.value(request.source, offer.amount_from))
        if offer.usd_value is None
        else offer
        for offer in offers
    ]


async def _nothing_fits(
    ctx: AppContext, environment: Environment, answers: Answers, request: QuoteRequest
) -> AmountTooLow | AmountTooHigh | InvalidPair | NoProvidersAvailable:
    """What is said where there is no offer: of those that answered, that counts most which the
    caller can do something about."""
    if answers.outside:
        said = [one for one in answers.outside if one is not None and one.possible]
        if not said:
            with contextlib.suppress(NoProvidersAvailable):
                said = await catalogue.limits(ctx, environment, request.source, request.target)
        return await _wrong_amount(ctx, said, request)
    if answers.silent or answers.offers:
        return NoProvidersAvailable("No provider is responding. Try again shortly.")
    return _no_pair(request.source, request.target)


async def _wrong_amount(
    ctx: AppContext, said: Sequence[Limits], request: QuoteRequest
) -> AmountTooLow | AmountTooHigh:
    source = request.source
    if not said:
        return AmountTooLow("The amount is outside the limits of every provider.")
    widest = _widest(said)
    minimum = format_amount(widest.minimum, source.decimals)
    maximum = format_amount(widest.maximum, source.decimals)
    data = {"min": minimum, "max": maximum}
    sent: Decimal | None = request.amount
    if request.side == "receive":
        prices = await prices_of(ctx)
        sent = prices.converted(request.amount, request.target, source)
    # Between the bounds of two providers, or nearer than our prices can tell: the sum says which.
    if sent is not None and sent > (widest.minimum + widest.maximum) / 2:
        return AmountTooHigh(f"The maximum amount is {maximum} {source.ticker}.", data=data)
    return AmountTooLow(f"The minimum amount is {minimum} {source.ticker}.", data=data)


def _widest(found: Sequence[Limits]) -> Limits:
    return Limits(min(one.minimum for one in found), max(one.maximum for one in found))


def _no_pair(source: Asset, target: Asset) -> InvalidPair:
    return InvalidPair(
        f"No provider swaps {source.ticker} on {source.network} "
        f"to {target.ticker} on {target.network}."
    )
