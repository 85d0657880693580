"""What Trocador is told to be, where its documents leave room; each may be set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.failures import Refusal
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Its words for chains. A native coin is on `Mainnet`, which says nothing without the coin.
CHAINS: Final[Mapping[str, Chain]] = {
    "erc20": Chain.ETHEREUM,
    "trc20": Chain.TRON,
    "bep20": Chain.BNB,
    "sol": Chain.SOLANA,
    "matic": Chain.POLYGON,
    "polygon": Chain.POLYGON,
    "arbitrum": Chain.ARBITRUM,
    "optimism": Chain.OPTIMISM,
    "base": Chain.BASE,
    "avaxc": Chain.AVALANCHE,
    "btc mainnet": Chain.BITCOIN,
    "eth mainnet": Chain.ETHEREUM,
    "trx mainnet": Chain.TRON,
    "sol mainnet": Chain.SOLANA,
    "ltc mainnet": Chain.LITECOIN,
    "doge mainnet": Chain.DOGECOIN,
    "bch mainnet": Chain.BITCOIN_CASH,
    "xmr mainnet": Chain.MONERO,
    "xrp mainnet": Chain.XRP,
    "xlm mainnet": Chain.STELLAR,
    "ton mainnet": Chain.TON,
    "ada mainnet": Chain.CARDANO,
    "zec mainnet": Chain.ZCASH,
    "atom mainnet": Chain.COSMOS,
}

#: What an error of a call means: its words are in no document.
REFUSALS: Final[Mapping[str, Refusal]] = {
    "limits": Refusal.PAIR,
    "quote": Refusal.OTHER,
    "create": Refusal.OTHER,
    "status": Refusal.UNKNOWN_ORDER,
}

_CLIENT: Final = ClientSettings("https://api.trocador.app", calls_per_minute=60, burst=20)
_REFUNDS: Final = Refunds("ticket")


@dataclass(frozen=True, slots=True)
class TrocadorSettings:
    """The rate of `client`, the words for chains, and `refusals` are unverified.

    `without` are exchanges behind it whose prices are not taken, such as those with an adapter of
    their own: lower-case letters and digits, as in `Offer.through`. `min_kycrating` (A is best,
    D worst), `min_logpolicy`, and `markup` are sent as they are, where they are set. `wait` is how
    long a deposit is waited for.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    refusals: Mapping[str, Refusal] = field(default_factory=lambda: REFUSALS)
    listing_seconds: float = 600.0
    without: frozenset[str] = frozenset()
    min_kycrating: str = ""
    min_logpolicy: str = ""
    markup: str = ""
    wait: timedelta = timedelta(hours=1)
    refunds: Refunds = _REFUNDS
