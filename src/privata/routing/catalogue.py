"""What can be swapped: the union over the enabled providers, as the database keeps it.

No question here waits for a provider, but for the limits of a pair about which it never said any.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from privata.core.errors import NoProvidersAvailable, ProviderError, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.providers.port import Asset, Limits
from privata.routing import store
from privata.routing.service import Listed, routing_of

log = logging.getLogger(__name__)

#: How long a provider may take to say the limits of a pair, seconds.
LIMITS_DEADLINE_S: Final = 2.0


async def assets(ctx: AppContext, environment: Environment) -> tuple[Asset, ...]:
    """Every asset some provider swaps, by ticker and network."""
    found: dict[tuple[str, str], Asset] = {}
    for one in await routing_of(ctx).enabled(environment):
        for asset in one.assets:
            found.setdefault((asset.ticker, asset.network), asset)
    return tuple(found[key] for key in sorted(found))


async def pairs(ctx: AppContext, environment: Environment) -> tuple[tuple[Asset, Asset], ...]:
    """Every pair some provider swaps, as far as none has said that it does not."""
    listed = await routing_of(ctx).enabled(environment)
    without = set() if environment is Environment.TEST else await _without(ctx)
    found: dict[tuple[Asset, Asset], None] = {}
    for one in listed:
        known = sorted(one.assets, key=_place)
        for source in known:
            for target in known:
                pair = (one.name, *_place(source), *_place(target))
                if source != target and pair not in without:
                    found[source, target] = None
    return tuple(found)


async def _without(ctx: AppContext) -> set[tuple[str, str, str, str, str]]:
    return await store.pairs_without(ctx.database.pool)


def _place(asset: Asset) -> tuple[str, str]:
    return asset.ticker, asset.network


async def find_asset(
    ctx: AppContext, environment: Environment, *, ticker: str, network: str | None, field: str
) -> Asset | None:
    """The asset a caller names, any case; None if nobody swaps it. `field` is the side, or empty.

    A ticker that lives on several networks needs the network: the caller's money would otherwise
    go to one we picked. `ValidationFailed` then names them.
    """
    wanted = ticker.upper()
    found = [asset for asset in await assets(ctx, environment) if asset.ticker == wanted]
    if network is not None:
        found = [asset for asset in found if asset.network == network.upper()]
    elif len(found) > 1:
        names = ", ".join(asset.network for asset in found)
        sentence = f"{wanted} is on several networks; choose one of {names}"
        missing = f"{field}_network" if field else "network"
        raise ValidationFailed(f"{missing} is required.", fields=[(missing, sentence)])
    return found[0] if found else None


async def limits(
    ctx: AppContext, environment: Environment, source: Asset, target: Asset
) -> list[Limits]:
    """What each provider says that has the pair; one that never said is asked now.

    `NoProvidersAvailable` where all that could say something do not answer.
    """
    able = [
        one
        for one in await routing_of(ctx).enabled(environment)
        if source != target and {source, target} <= one.assets
    ]
    if environment is Environment.TEST:
        said = await asyncio.gather(*(one.provider.limits(source, target) for one in able))
        return [one for one in said if one is not None]
    pool = ctx.database.pool
    known = {one.provider: one for one in await store.limits_of_pair(pool, source, target, "float")}
    found: list[Limits] = []
    for one in able:
        kept = known.get(one.name)
        if kept is not None and kept.minimum is not None and kept.maximum is not None:
            found.append(Limits(kept.minimum, kept.maximum))
    new = [one for one in able if one.name not in known]
    asked = await asyncio.gather(*(_asked(ctx, one, source, target) for one in new))
    found += [one for one in asked if isinstance(one, Limits)]
    if not found and any(isinstance(one, ProviderError) for one in asked):
        raise NoProvidersAvailable("No provider is responding. Try again shortly.")
    return found


async def _asked(
    ctx: AppContext, one: Listed, source: Asset, target: Asset
) -> Limits | ProviderError | None:
    provider = one.provider
    try:
        said = await routing_of(ctx).call(
            provider,
            LIMITS_DEADLINE_S,
            lambda deadline: provider.limits(source, target, deadline=deadline),
        )
    except ProviderError as error:
        log.info("provider %s gave no limits: %s", one.name, error.message)
        return error
    if said is not None and not said.possible:
        said = None
    await store.remember_limits(ctx.database.pool, one.name, "float", [(source, target, said)])
    return said
