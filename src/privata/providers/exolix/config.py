"""What Exolix is told to be, where its documents leave room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Its words for chains, in lower case.
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
    "ada": Chain.CARDANO,
    "zec": Chain.ZCASH,
    "atom": Chain.COSMOS,
}

_CLIENT: Final = ClientSettings("https://exolix.com/api/v2", calls_per_minute=300, burst=30)
_REFUNDS: Final = Refunds("ticket", window_hours=24, sla_hours=72)


@dataclass(frozen=True, slots=True)
class ExolixSettings:
    """Unverified: the rate, which no document names, and how long a deposit is waited for.

    It sends a deposit back by itself if the order has a refund address, and no call for refunds is
    known, so `refunds` is a ticket. `probe` is the amount with which limits are asked for: there is
    no call for them. `most_pages` bounds the list of currencies.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    listing_seconds: float = 600.0
    page_size: int = 100
    most_pages: int = 50
    probe: Decimal = Decimal(1)
    float_wait: timedelta = timedelta(hours=24)
    fixed_wait: timedelta = timedelta(minutes=20)
    refunds: Refunds = _REFUNDS
