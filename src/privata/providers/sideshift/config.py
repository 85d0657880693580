"""What SideShift is told to be, where its documents leave room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.http.client import ClientSettings
from privata.providers.port import Refunds

#: Its words for chains.
CHAINS: Final[Mapping[str, Chain]] = {
    "bitcoin": Chain.BITCOIN,
    "ethereum": Chain.ETHEREUM,
    "bsc": Chain.BNB,
    "tron": Chain.TRON,
    "solana": Chain.SOLANA,
    "polygon": Chain.POLYGON,
    "arbitrum": Chain.ARBITRUM,
    "optimism": Chain.OPTIMISM,
    "base": Chain.BASE,
    "avax": Chain.AVALANCHE,
    "litecoin": Chain.LITECOIN,
    "doge": Chain.DOGECOIN,
    "bitcoincash": Chain.BITCOIN_CASH,
    "monero": Chain.MONERO,
    "ripple": Chain.XRP,
    "stellar": Chain.STELLAR,
    "ton": Chain.TON,
    "cardano": Chain.CARDANO,
    "shielded": Chain.ZCASH,
    "cosmos": Chain.COSMOS,
}

#: 60 units a minute: 20 quotes of 3, or 5 shifts of 12, as its documents allow for each IP address.
_CLIENT: Final = ClientSettings(
    "https://sideshift.ai/api/v2", calls_per_minute=60, burst=60, read_weight=0.1
)
_REFUNDS: Final = Refunds("programmatic", window_hours=24)


@dataclass(frozen=True, slots=True)
class SideShiftSettings:
    """`user_ip` is sent for users whose address is not known: calls from a server must name one,
    and rules of countries apply to it. `commission_percent` is ours; None: SideShift's default.

    Unverified: `client.read_weight` (documents limit quotes and shifts only), the waits for a
    deposit where a shift names no end, and `refund_hash`, the field with a refund's transaction.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    user_ip: str | None = None
    commission_percent: str | None = None
    quote_weight: float = 3.0
    shift_weight: float = 12.0
    listing_seconds: float = 600.0
    float_wait: timedelta = timedelta(hours=24)
    fixed_wait: timedelta = timedelta(minutes=15)
    refund_hash: str = "refundHash"
    refunds: Refunds = _REFUNDS
    refund_check: timedelta = timedelta(minutes=5)
