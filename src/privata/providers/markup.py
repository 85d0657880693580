"""Taking a partner's markup from an offer, as an exchange does that collects it: pure.

The simulator and the fakes do. Of real exchanges it is asked for in their own words.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from privata.core.money import CONTEXT, floor_to
from privata.providers.port import Offer, QuoteRequest

_BPS: Final = Decimal(10_000)


def with_markup(offer: Offer, request: QuoteRequest) -> Offer:
    """The offer as the user sees it: the partner's markup comes out of what is received, or on top
    of what is sent when the received amount was asked for."""
    if request.markup_bps == 0:
        return offer
    offer = replace(offer, markup_bps=request.markup_bps)
    kept = 1 - Decimal(request.markup_bps) / _BPS
    if request.side == "send":
        amount_to = floor_to(CONTEXT.multiply(offer.amount_to, kept), request.target.decimals)
        return replace(offer, amount_to=amount_to)
    unit = Decimal(1).scaleb(-request.source.decimals)
    amount_from = floor_to(CONTEXT.divide(offer.amount_from, kept), request.source.decimals)
    amount_from = CONTEXT.add(amount_from, unit)
    return replace(offer, amount_from=amount_from)
