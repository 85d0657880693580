"""What can be swapped: the union over the providers of an environment."""

from __future__ import annotations

from privata.core.errors import ValidationFailed
from privata.core.tenancy import Environment
from privata.providers.port import Asset
from privata.providers.registry import providers_for


async def assets(environment: Environment) -> tuple[Asset, ...]:
    """Every asset some provider swaps, by ticker and network."""
    found: dict[tuple[str, str], Asset] = {}
    for provider in providers_for(environment):
        for asset in await provider.currencies():
            found.setdefault((asset.ticker, asset.network), asset)
    return tuple(found[key] for key in sorted(found))


async def pairs(environment: Environment) -> tuple[tuple[Asset, Asset], ...]:
    """Every pair some provider swaps."""
    found: dict[tuple[Asset, Asset], None] = {}
    for provider in providers_for(environment):
        listed = await provider.currencies()
        for source in listed:
            for target in listed:
                if await provider.limits(source, target) is not None:
                    found[source, target] = None
    return tuple(found)


async def find_asset(
    environment: Environment, *, ticker: str, network: str | None, field: str
) -> Asset | None:
    """The asset a caller names, any case; None if nobody swaps it. `field` is the side, or empty.

    A ticker that lives on several networks needs the network: the caller's money would otherwise
    go to one we picked. `ValidationFailed` then names them.
    """
    wanted = ticker.upper()
    found = [asset for asset in await assets(environment) if asset.ticker == wanted]
    if network is not None:
        found = [asset for asset in found if asset.network == network.upper()]
    elif len(found) > 1:
        names = ", ".join(asset.network for asset in found)
        sentence = f"{wanted} is on several networks; choose one of {names}"
        missing = f"{field}_network" if field else "network"
        raise ValidationFailed(f"{missing} is required.", fields=[(missing, sentence)])
    return found[0] if found else None
