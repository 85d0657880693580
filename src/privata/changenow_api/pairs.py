"""Which of our assets ChangeNOW's words mean."""

from __future__ import annotations

from typing import Any

from privata.changenow_api.schemas import PairQuery
from privata.changenow_api.words import names_network, network_of
from privata.core.addresses import networks
from privata.core.errors import InvalidPair, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.quotes import service as quotes
from privata.quotes.service import Asset


async def pair_of(
    ctx: AppContext, environment: Environment, query: PairQuery
) -> tuple[Asset, Asset]:
    """What is sent and what is received.

    `InvalidPair` for a currency that cannot be swapped in the environment, `ValidationFailed` for
    one on several networks without its network: we choose none for somebody else's money.
    """
    listed = await quotes.assets(ctx, environment)
    source = _found(listed, query.from_currency, query.from_network, "from")
    target = _found(listed, query.to_currency, query.to_network, "to")
    return source, target


async def network_named(ctx: AppContext, environment: Environment, word: str) -> str:
    """Our network whose rules hold for the addresses of a network, or of a currency on one.

    `ValidationFailed` where there is none, or more than one.
    """
    for network in sorted(networks()):
        if names_network(word, network):
            return network
    found = {one.network for one in await quotes.assets(ctx, environment) if _is(one, word)}
    if len(found) != 1:
        sentence = "is on several networks; send the network" if found else "is unknown"
        raise ValidationFailed("The query string is invalid.", fields=[("currency", sentence)])
    return found.pop()


def matches(asset: Asset, currency: str | None, network: str | None) -> bool:
    """Whether an asset passes a filter; None lets everything pass."""
    return (currency is None or _is(asset, currency)) and (
        network is None or names_network(network, asset.network)
    )


def in_words(source: Asset, target: Asset) -> dict[str, Any]:
    """The four keys with which answers begin."""
    return {
        "fromCurrency": source.ticker.lower(),
        "fromNetwork": network_of(source.ticker, source.network),
        "toCurrency": target.ticker.lower(),
        "toNetwork": network_of(target.ticker, target.network),
    }


def _found(listed: tuple[Asset, ...], currency: str, network: str | None, side: str) -> Asset:
    found = [asset for asset in listed if matches(asset, currency, network)]
    if not found:
        where = f" on {network}" if network else ""
        raise InvalidPair(f"The pair is inactive: {currency}{where} is not available.")
    if len(found) > 1:
        names = ", ".join(network_of(one.ticker, one.network) for one in found)
        sentence = f"is required: {currency} is on {names}"
        raise ValidationFailed("The pair is incomplete.", fields=[(f"{side}Network", sentence)])
    return found[0]


def _is(asset: Asset, currency: str) -> bool:
    return asset.ticker.lower() == currency.lower()
