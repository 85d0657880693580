"""Prices as the exchanges quote them against USDT: each provider is a source of its own.

The calls go through the breaker of this process, and ask so little that a provider's rate is left
for orders.
"""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.money import CONTEXT
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.providers.port import Asset, Deadline, Offer, Provider, QuoteRequest
from privata.quotes.prices import store
from privata.quotes.prices.values import Prices
from privata.routing.service import Listed, routing_of

#: Prices that a round asks a provider for, and how long a round stands before the next, seconds.
A_ROUND: Final = 5
EVERY_S: Final = 60.0

#: A provider is asked again about an asset after so many seconds.
OLD_S: Final = 600.0

#: How long a provider may take for one price, seconds.
CALL_DEADLINE_S: Final = 5.0

#: What a price is asked with, US dollars: more than every minimum, less than moves a rate.
PRICED_WITH_USD: Final = Decimal(1000)

_DOLLARS: Final = "USDT"


async def listed_by_name(ctx: AppContext) -> dict[str, Listed]:
    """The enabled providers that can say what something is worth in USDT."""
    found = await routing_of(ctx).enabled(Environment.LIVE)
    return {one.name: one for one in found if any(asset.ticker == _DOLLARS for asset in one.assets)}


async def read(ctx: AppContext, one: Listed) -> dict[str, Decimal | None]:
    """USDT by ticker, of those assets that the provider was not asked about for longest.

    None for one that it does not price. `ProviderError` if it does not answer.
    """
    by_ticker = {asset.ticker: asset for asset in sorted(one.assets, key=lambda it: it.network)}
    dollars = by_ticker.pop(_DOLLARS)
    due = await store.unpriced(ctx.database.pool, one.name, by_ticker, OLD_S)
    found: dict[str, Decimal | None] = {}
    for ticker in due[:A_ROUND]:
        try:
            found[ticker] = await _price(ctx, one.provider, by_ticker[ticker], dollars)
        except ProviderRefused:
            # Remembered as such, or the next round would begin with it again.
            found[ticker] = None
        except ProviderUnavailable:
            if not found:
                raise
            break
    return found


async def _price(
    ctx: AppContext, provider: Provider, asset: Asset, dollars: Asset
) -> Decimal | None:
    amount = Prices({}).amount_of(asset, PRICED_WITH_USD)
    if not amount:
        return None
    request = QuoteRequest(asset, dollars, amount, "send", "float")
    asking = functools.partial(_quote, provider, request)
    offer = await routing_of(ctx).call(provider, CALL_DEADLINE_S, asking)
    return CONTEXT.divide(offer.amount_to, offer.amount_from)


async def _quote(provider: Provider, request: QuoteRequest, deadline: Deadline) -> Offer:
    return await provider.quote(request, deadline=deadline)
