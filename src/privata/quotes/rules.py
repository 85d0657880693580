"""Markup and the choice of the best offer: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from privata.core.money import CONTEXT, floor_to
from privata.providers.port import Offer, QuoteRequest, Side

#: How long a quote may be used.
QUOTE_LIFETIME = timedelta(minutes=5)

#: How long a provider may take to answer a quote, seconds.
PROVIDER_DEADLINE_S = 2.0

MAX_MARKUP_BPS = 300
_BPS = Decimal(10_000)


def with_markup(offer: Offer, request: QuoteRequest, markup_bps: int) -> Offer:
    """The offer as the user sees it: the partner's markup comes out of what is received, or on top
    of what is sent when the received amount was asked for."""
    if markup_bps == 0:
        return offer
    kept = 1 - Decimal(markup_bps) / _BPS
    if request.side == "send":
        amount_to = floor_to(CONTEXT.multiply(offer.amount_to, kept), request.target.decimals)
        return replace(offer, amount_to=amount_to)
    unit = Decimal(1).scaleb(-request.source.decimals)
    amount_from = floor_to(CONTEXT.divide(offer.amount_from, kept), request.source.decimals)
    amount_from = CONTEXT.add(amount_from, unit)
    return replace(offer, amount_from=amount_from)


def best_first(offers: Sequence[Offer], side: Side) -> list[Offer]:
    """Best for the user first: most received, or least sent; ties by provider name."""
    if side == "send":
        return sorted(offers, key=lambda offer: (-offer.amount_to, offer.provider))
    return sorted(offers, key=lambda offer: (offer.amount_from, offer.provider))
