"""Asking every provider for an offer, side by side: none waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from privata.core.errors import ProviderError, ProviderRefused
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.providers.failures import AmountRefused, Refusal
from privata.providers.port import Limits, Offer, QuoteRequest
from privata.quotes.prices.reading import prices_of
from privata.quotes.rules import PROVIDER_DEADLINE_S
from privata.routing.service import Listed, routing_of

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answers:
    """What the providers said: their offers with the markup in them, and the limits of those that
    did not take the amount, None for one that did not say. `silent` is how many did not answer."""

    offers: list[Offer] = field(default_factory=list)
    outside: list[Limits | None] = field(default_factory=list)
    silent: int = 0


@dataclass(frozen=True, slots=True)
class _Answer:
    offer: Offer | None = None
    limits: Limits | None = None
    reason: str | None = None


async def ask_all(
    ctx: AppContext, listed: Iterable[Listed], request: QuoteRequest, markup_bps: int | None
) -> Answers:
    """Ask them all at once, each for at most `PROVIDER_DEADLINE_S`.

    `markup_bps` None: what the partner set for each. A provider is asked for no more than it
    collects: nobody would receive the rest. Offers that leave nothing are none.
    """
    answers = await asyncio.gather(
        *(_ask(ctx, one, _marked_up(request, one, markup_bps)) for one in listed)
    )
    found = Answers()
    offers: list[Offer] = []
    for answer in answers:
        if answer.offer is not None:
            offers.append(answer.offer)
        elif answer.reason == Refusal.AMOUNT:
            found.outside.append(answer.limits)
        elif answer.reason is None:
            found.silent += 1
    found.offers = [one for one in offers if one.amount_to > 0]
    found.outside += [None] * (len(offers) - len(found.offers))
    return found


def _marked_up(request: QuoteRequest, one: Listed, markup_bps: int | None) -> QuoteRequest:
    wanted = one.markup_bps if markup_bps is None else markup_bps
    return replace(request, markup_bps=min(wanted, one.provider.most_markup_bps))


async def _ask(ctx: AppContext, one: Listed, request: QuoteRequest) -> _Answer:
    provider = one.provider
    try:
        offer = await routing_of(ctx).call(
            provider,
            PROVIDER_DEADLINE_S,
            lambda deadline: provider.quote(request, deadline=deadline),
        )
    except AmountRefused as error:
        return _Answer(limits=error.limits, reason=error.reason)
    except ProviderRefused as error:
        return _Answer(reason=error.reason)
    except ProviderError as error:
        log.info("provider %s gave no quote: %s", one.name, error.message)
        return _Answer()
    if provider.environment is Environment.TEST:
        # The simulator prices any amount. Exchanges refuse what is outside their limits.
        limits = await provider.limits(request.source, request.target)
        if limits is None or not limits.minimum <= offer.amount_from <= limits.maximum:
            return _Answer(limits=limits, reason=Refusal.AMOUNT)
    elif not await _is_meant(ctx, request, offer):
        # It would be the best of all, and the user's deposit would be gone.
        log.error("provider %s: its offer is not believed", one.name)
        return _Answer()
    return _Answer(offer)


async def _is_meant(ctx: AppContext, request: QuoteRequest, offer: Offer) -> bool:
    prices = await prices_of(ctx)
    return prices.meant(request.source, offer.amount_from, request.target, offer.amount_to)
