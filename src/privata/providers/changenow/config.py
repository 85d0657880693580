"""What ChangeNOW is told to be, where its documents leave room; each may be set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Its words for chains, as clients in production map them. Native AVAX is on `cchain`, tokens of
#: the same chain on `avaxc`; its list says which of the two an asset has.
CHAINS: Final[Mapping[str, Chain]] = {
    "btc": Chain.BITCOIN,
    "eth": Chain.ETHEREUM,
    "bsc": Chain.BNB,
    "trx": Chain.TRON,
    "sol": Chain.SOLANA,
    "matic": Chain.POLYGON,
    "arbitrum": Chain.ARBITRUM,
    "op": Chain.OPTIMISM,
    "base": Chain.BASE,
    "avaxc": Chain.AVALANCHE,
    "cchain": Chain.AVALANCHE,
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

_CLIENT: Final = ClientSettings("https://api.changenow.io/v2", calls_per_minute=1800, burst=30)
_REFUNDS: Final = Refunds("programmatic", window_hours=24)


@dataclass(frozen=True, slots=True)
class ChangeNowSettings:
    """`client` has the documented rate: 30 calls a second and 1,800 a minute for each key.

    `float_wait` is how long a deposit of a standard order is waited for, and `fixed_wait` that of a
    fixed rate whose end was not named; both are unverified. Access to the refund route is granted
    on request: without it, `refunds` has to be a ticket.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    listing_seconds: float = 600.0
    float_wait: timedelta = timedelta(hours=24)
    fixed_wait: timedelta = timedelta(minutes=20)
    refunds: Refunds = _REFUNDS
    refund_check: timedelta = timedelta(minutes=5)
