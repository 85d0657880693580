"""Opening the swap at the provider: the quoted one, and once another that is nearly as good.

A create that got no answer may have been done. It is never sent again: the user pays only to the
address that we return, so an order that was made unseen gets no deposit and expires, while a second
one at the same provider could not be told from the first. Decision 0051.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import (
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderUnavailable,
    QuoteExpired,
)
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.orders.opening.fates import Fate
from privata.orders.opening.store import Attempt
from privata.providers.failures import Fault
from privata.providers.port import OpenedOrder, OrderRequest, Provider, QuoteRequest, Refunds
from privata.quotes import service as quotes
from privata.quotes.quote import UsableQuote
from privata.routing.service import routing_of

log = logging.getLogger(__name__)

#: How long a provider may take to open an order, seconds.
PROVIDER_DEADLINE_S: Final = 10.0

#: Faults after which the provider cannot have made anything: it was not called.
_NOT_CALLED: Final = frozenset({Fault.RESTING, Fault.OUR_RATE})

_TRIED: Final = (
    "An order was already requested with this quote, and the provider did not confirm it. Request a"
    " new quote with /estimate."
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An order at a provider: which, what it promises, the markup that it collects, and what it can
    do about refunds."""

    provider: str
    refunds: Refunds
    amount_to: Decimal
    markup_bps: int
    order: OpenedOrder


async def open_order(
    ctx: AppContext, actor: Actor, quote: UsableQuote, request: OrderRequest
) -> Opened:
    """Open the swap; `ProviderFailed` if neither the quoted provider nor the next best can.

    `QuoteExpired` for a quote with which that provider was asked before.
    """
    routing = routing_of(ctx)
    try:
        provider = await routing.provider(actor.environment, quote.provider)
    except ProviderUnavailable as error:
        return await _at_another(ctx, actor, quote, request, error)
    if actor.environment is Environment.TEST:
        return await _simulated(ctx, provider, quote, request)
    attempt = _attempt(ctx, actor, quote, provider)
    if not await attempt.begin():
        raise QuoteExpired(_TRIED)
    try:
        opened = await _ask(ctx, provider, attempt, _with_rate(request, quote, ctx.clock.now()))
    except ProviderError as error:
        return await _at_another(ctx, actor, quote, request, error)
    return Opened(provider.name, provider.refunds, quote.amount_to, quote.markup_bps, opened)


def _attempt(ctx: AppContext, actor: Actor, quote: UsableQuote, provider: Provider) -> Attempt:
    return Attempt(
        ctx.database.pool, actor.organization_id, actor.environment, quote.id, provider.name
    )


async def _simulated(
    ctx: AppContext, provider: Provider, quote: UsableQuote, request: OrderRequest
) -> Opened:
    """The simulator makes nothing that could be made twice, and has no second."""
    try:
        opened = await routing_of(ctx).call(
            provider,
            PROVIDER_DEADLINE_S,
            lambda deadline: provider.create_order(request, deadline=deadline),
        )
    except ProviderError as error:
        raise _failed(error) from error
    return Opened(provider.name, provider.refunds, quote.amount_to, quote.markup_bps, opened)


def _with_rate(request: OrderRequest, quote: UsableQuote, now: datetime) -> OrderRequest:
    """With the rate that the provider holds, while it does; it prices the order anew otherwise."""
    held = quote.rate_until is None or now < quote.rate_until
    return replace(request, side=quote.side, rate_id=quote.rate_id if held else None)


async def _ask(
    ctx: AppContext, provider: Provider, attempt: Attempt, request: OrderRequest
) -> OpenedOrder:
    try:
        opened = await routing_of(ctx).call(
            provider,
            PROVIDER_DEADLINE_S,
            lambda deadline: provider.create_order(request, deadline=deadline),
        )
    except ProviderRefused as error:
        await attempt.end(Fate.REFUSED, error.reason)
        raise
    except ProviderUnavailable as error:
        refused = error.reason in _NOT_CALLED
        await attempt.end(Fate.REFUSED if refused else Fate.UNKNOWN, error.reason)
        if not refused:
            log.warning("provider %s: an order may have been made unseen", provider.name)
        raise
    await attempt.end(Fate.MADE)
    return opened


async def _at_another(
    ctx: AppContext,
    actor: Actor,
    quote: UsableQuote,
    request: OrderRequest,
    error: ProviderError,
) -> Opened:
    """The next best provider, once, if the user gets nearly what was quoted from it."""
    log.info("provider %s opened no order: %s", quote.provider, error.message)
    # The user was told what to send, whichever side the quote was asked for.
    asked = QuoteRequest(
        request.source, request.target, quote.amount_from, "send", request.rate_type
    )
    offer = await quotes.next_best(
        ctx,
        organization_id=actor.organization_id,
        environment=actor.environment,
        request=asked,
        markup_bps=quote.markup_bps,
        quoted=quote.amount_to,
        without=quote.provider,
    )
    if offer is None:
        raise _failed(error) from error
    provider = await routing_of(ctx).provider(actor.environment, offer.provider)
    attempt = _attempt(ctx, actor, quote, provider)
    if not await attempt.begin():
        raise QuoteExpired(_TRIED)
    again = replace(
        request,
        amount_to=offer.amount_to,
        side="send",
        rate_id=offer.rate_id,
        markup_bps=offer.markup_bps,
    )
    try:
        opened = await _ask(ctx, provider, attempt, again)
    except ProviderError as second:
        raise _failed(second) from second
    return Opened(provider.name, provider.refunds, offer.amount_to, offer.markup_bps, opened)


def _failed(error: ProviderError) -> ProviderFailed:
    if isinstance(error, ProviderRefused):
        return ProviderFailed(f"The provider rejected the order: {error.message}")
    return ProviderFailed("The provider is not responding. Request a new quote.")
