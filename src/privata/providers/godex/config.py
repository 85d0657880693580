"""What Godex is told to be, where its documents leave room; each may be set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.failures import Refusal
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Its words for chains, as clients in production map them.
CHAINS: Final[Mapping[str, Chain]] = {
    "btc": Chain.BITCOIN,
    "eth": Chain.ETHEREUM,
    "bsc": Chain.BNB,
    "trx": Chain.TRON,
    "sol": Chain.SOLANA,
    "matic": Chain.POLYGON,
    "arbitrum": Chain.ARBITRUM,
    "optimism": Chain.OPTIMISM,
    "base": Chain.BASE,
    "avaxc": Chain.AVALANCHE,
    "ltc": Chain.LITECOIN,
    "doge": Chain.DOGECOIN,
    "bch": Chain.BITCOIN_CASH,
    "xmr": Chain.MONERO,
    "xrp": Chain.XRP,
    "xlm": Chain.STELLAR,
    "ton": Chain.TON,
}

#: What an error of a call means by its HTTP status; only 422 is documented.
REFUSALS: Final[Mapping[tuple[str, int], Refusal]] = {
    ("limits", 422): Refusal.PAIR,
    ("quote", 422): Refusal.PAIR,
    ("create", 422): Refusal.OTHER,
    ("status", 404): Refusal.UNKNOWN_ORDER,
}

_CLIENT: Final = ClientSettings("https://api.godex.io/api/v1", calls_per_minute=60, burst=20)
_REFUNDS: Final = Refunds("ticket")


@dataclass(frozen=True, slots=True)
class GodexSettings:
    """All but the base URL is unverified.

    The rate of `client` is a guess. `names_networks`: networks are part of a question for a price,
    which one client does. `locks_rate`: an order is paid at the rate it was opened with, so that
    fixed rates may be offered. `probe` is the amount with which limits are asked for, and `wait` is
    how long a deposit is waited for. `refunds`: deposits go back to the address given at creation,
    and no call for it is known.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    refusals: Mapping[tuple[str, int], Refusal] = field(default_factory=lambda: REFUSALS)
    listing_seconds: float = 600.0
    names_networks: bool = True
    locks_rate: bool = False
    probe: Decimal = Decimal(1)
    wait: timedelta = timedelta(hours=1)
    refunds: Refunds = _REFUNDS
