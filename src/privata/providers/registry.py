"""Every provider there is: the simulator for test orders, and the adapters for live ones.

Which of the adapters are used, and with which credentials, is up to the operator: see `routing`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple, Protocol

from privata.core.tenancy import Environment
from privata.providers.currencies import CANONICAL
from privata.providers.port import Asset, Credentials, PriceFeed, Provider
from privata.providers.simulator.addresses import deposit_address
from privata.providers.simulator.provider import Simulator

#: The only provider of test orders.
SIMULATOR: Final = Simulator()

_CANONICAL: Final = {(one.asset.ticker, one.asset.network): one.asset for one in CANONICAL}


class LiveProvider(Provider, Protocol):
    """An exchange behind the network."""

    async def close(self) -> None:
        """Close the connections."""
        ...


class ReadingRate(NamedTuple):
    """How often a provider may be asked about orders, if it is asked nothing else: calls a minute,
    and how many at once."""

    per_minute: float
    burst: float


def names_for(environment: Environment) -> tuple[str, ...]:
    """The names of all providers of an environment, enabled or not."""
    if environment is Environment.TEST:
        return (SIMULATOR.name,)
    return tuple(sorted(_adapters()))


def live_provider(name: str, credentials: Credentials, base_url: str | None) -> LiveProvider:
    """An adapter with an operator's credentials, at its own address or another one.

    `KeyError` for a name without adapter, `ValueError` for an address that is not https nor of this
    machine.
    """
    make = _adapters()[name]
    made: LiveProvider
    if base_url is None:
        made = make(credentials)
    else:
        settings = _settings_of(make)
        client = dataclasses.replace(settings.client, base_url=base_url)
        made = make(credentials, dataclasses.replace(settings, client=client))
    if made.environment is not Environment.LIVE:
        raise ValueError(f"the adapter {name} is not for live orders")
    return made


def chainlink(url: str, feeds: Mapping[str, str], stale: timedelta) -> PriceFeed:
    """Prices of the feeds at these addresses, by ticker, read at a node of their chain."""
    from privata.providers.feeds.chainlink import Chainlink

    return Chainlink(url, feeds, stale)


def coingecko(
    url: str, ids: Mapping[str, str], headers: Mapping[str, str], stale: timedelta
) -> PriceFeed:
    """Prices of CoinGecko, with the headers that carry the operator's key.

    `ids` are names of coins by ticker, beside those that are known.
    """
    from privata.providers.feeds.coingecko import IDS, CoinGecko

    return CoinGecko(url, IDS | dict(ids), headers, stale)


def reading_rate(name: str) -> ReadingRate | None:
    """What a provider allows to one key; None for a name without adapter."""
    settings = _settings_of(_adapters().get(name))
    if settings is None:
        return None
    client = settings.client
    return ReadingRate(
        client.calls_per_minute / client.read_weight, client.burst / client.read_weight
    )


def canonical(ticker: str, network: str) -> Asset | None:
    """Our asset of this ticker and network; None if we do not know it."""
    return _CANONICAL.get((ticker, network))


def sandbox_address(network: str, seed: str) -> str:
    """A well-formed address of a network that is nobody's; it follows from the seed."""
    return deposit_address(network, seed)[0]


def _settings_of(make: Any) -> Any:
    # Every adapter's second argument is its settings, with the client's among them
    # (docs/providers.md).
    hint = typing.get_type_hints(make.__init__).get("settings")
    return None if hint is None else typing.get_args(hint)[0]()


def _adapters() -> dict[str, Any]:
    # When they are needed: they bring an HTTP client, and most programs call no exchange.
    from privata.providers.adapters import ADAPTERS

    return dict(ADAPTERS)
