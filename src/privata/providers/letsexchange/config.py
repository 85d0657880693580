"""What LetsExchange is told to be, where its documents leave room; each may be set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Its words for chains, as clients in production map them. Three chains have one word for their
#: native coin and another one for tokens; its list says which of the two an asset has.
CHAINS: Final[Mapping[str, Chain]] = {
    "btc": Chain.BITCOIN,
    "eth": Chain.ETHEREUM,
    "erc20": Chain.ETHEREUM,
    "bnb": Chain.BNB,
    "bep20": Chain.BNB,
    "trx": Chain.TRON,
    "trc20": Chain.TRON,
    "sol": Chain.SOLANA,
    "pol": Chain.POLYGON,
    "arbitrum": Chain.ARBITRUM,
    "optimism": Chain.OPTIMISM,
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

_CLIENT: Final = ClientSettings("https://api.letsexchange.io/api", calls_per_minute=60, burst=20)
_REFUNDS: Final = Refunds("ticket")


@dataclass(frozen=True, slots=True)
class LetsExchangeSettings:
    """Its rate limits are in no document: those of `client` are a guess.

    `probe` is the amount with which limits are asked for. `wait` is how long a deposit is waited
    for where no end is named; its documents say 30 minutes. `refunds`: deposits go back to the
    address given at creation, and no call for it is known.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    listing_seconds: float = 600.0
    probe: Decimal = Decimal(1)
    wait: timedelta = timedelta(minutes=30)
    refunds: Refunds = _REFUNDS
