"""What StealthEX is told to be, where its documents leave room; each may be set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import Chain
from privata.providers.http.client import ClientSettings
from privata.providers.port import MAX_MARKUP_BPS, Refunds

_S = OrderStatus

#: Its words for chains. A native coin is on `mainnet`, which says nothing without the coin.
CHAINS: Final[Mapping[str, Chain]] = {
    "eth": Chain.ETHEREUM,
    "bsc": Chain.BNB,
    "trx": Chain.TRON,
    "matic": Chain.POLYGON,
    "avax-c": Chain.AVALANCHE,
    "arbitrum": Chain.ARBITRUM,
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

#: `waiting` and `refunded` were seen; the others are what such exchanges say.
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "waiting": _S.WAITING_DEPOSIT,
    "confirming": _S.CONFIRMING,
    "exchanging": _S.EXCHANGING,
    "sending": _S.SENDING,
    "finished": _S.COMPLETED,
    "failed": _S.FAILED,
    "refunded": _S.REFUNDED,
    "verifying": _S.MANUAL_REVIEW,
    "expired": _S.EXPIRED,
}

_CLIENT: Final = ClientSettings("https://api.stealthex.io/v4", calls_per_minute=60, burst=20)
_REFUNDS: Final = Refunds("ticket")


@dataclass(frozen=True, slots=True)
class StealthExSettings:
    """Its rate limits are unknown: those of `client` are a guess, and so are most `statuses`.

    `page` is how many currencies one call lists, and `pages` how many calls are made at most.
    `wait` is how long a deposit is waited for where no end is named. `refunds`: deposits go back to
    the address given at creation, and no call for it is known. `most_markup_bps`: how much it adds
    for us (`additional_fee_percent`); where its end is, no document says.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    statuses: Mapping[str, OrderStatus] = field(default_factory=lambda: STATUSES)
    listing_seconds: float = 600.0
    page: int = 250
    pages: int = 20
    wait: timedelta = timedelta(hours=1)
    refunds: Refunds = _REFUNDS
    most_markup_bps: int = MAX_MARKUP_BPS
