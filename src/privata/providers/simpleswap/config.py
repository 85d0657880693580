"""What SimpleSwap is told to be, where its documents leave room; each may be set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.failures import Refusal
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Words for chains. Its clients do not agree on them, so that both spellings are known here; its
#: list says which of them is sent.
CHAINS: Final[Mapping[str, Chain]] = {
    "btc": Chain.BITCOIN,
    "eth": Chain.ETHEREUM,
    "erc20": Chain.ETHEREUM,
    "bsc": Chain.BNB,
    "bep20": Chain.BNB,
    "trx": Chain.TRON,
    "trc20": Chain.TRON,
    "sol": Chain.SOLANA,
    "matic": Chain.POLYGON,
    "polygon": Chain.POLYGON,
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

#: What an error of a call means by its HTTP status.
REFUSALS: Final[Mapping[tuple[str, int], Refusal]] = {
    ("limits", 404): Refusal.PAIR,
    ("limits", 422): Refusal.PAIR,
    ("quote", 404): Refusal.PAIR,
    ("quote", 422): Refusal.PAIR,
    ("create", 400): Refusal.OTHER,
    ("create", 422): Refusal.OTHER,
    ("status", 404): Refusal.UNKNOWN_ORDER,
}

_CLIENT: Final = ClientSettings("https://api.simpleswap.io/v3", calls_per_minute=60, burst=20)
_REFUNDS: Final = Refunds("ticket")


@dataclass(frozen=True, slots=True)
class SimpleSwapSettings:
    """The rate of `client`, the words for chains, and `refusals` are unverified.

    `wait` is how long a deposit is waited for where no end is named. `refunds`: deposits go back to
    the address given at creation, and no call for it is known.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    refusals: Mapping[tuple[str, int], Refusal] = field(default_factory=lambda: REFUSALS)
    listing_seconds: float = 600.0
    wait: timedelta = timedelta(hours=1)
    refunds: Refunds = _REFUNDS
