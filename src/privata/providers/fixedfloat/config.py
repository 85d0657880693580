"""What FixedFloat is told to be. Of its documents only the part about signing could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final

from privata.providers.currencies import Chain
from privata.providers.failures import Refusal
from privata.providers.http.client import ClientSettings
from privata.providers.port import MAX_MARKUP_BPS, Refunds

#: Its words for chains, as `ccies` has them; Lightning (`LN`) is none that we swap.
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

#: Words in `errors` of a price.
PRICE_ERRORS: Final[Mapping[str, Refusal]] = {
    "LIMIT_MIN": Refusal.AMOUNT,
    "LIMIT_MAX": Refusal.AMOUNT,
    "RESERVE_FROM": Refusal.PAIR,
    "RESERVE_TO": Refusal.PAIR,
    "MAINTENANCE_FROM": Refusal.PAIR,
    "MAINTENANCE_TO": Refusal.PAIR,
    "OFFLINE_FROM": Refusal.PAIR,
    "OFFLINE_TO": Refusal.PAIR,
}

#: Parts of an error's `msg`, in lower case; its numeric codes are in no document.
MESSAGES: Final[Mapping[str, Refusal]] = {
    "order not found": Refusal.UNKNOWN_ORDER,
    "out of limits": Refusal.AMOUNT,
    "invalid address": Refusal.ADDRESS,
    "invalid tag": Refusal.ADDRESS,
    "invalid currency": Refusal.PAIR,
    "maintenance": Refusal.PAIR,
}

_CLIENT: Final = ClientSettings("https://ff.io/api/v2", calls_per_minute=250, burst=250)
_REFUNDS: Final = Refunds("programmatic", window_hours=24)


@dataclass(frozen=True, slots=True)
class FixedFloatSettings:
    """Unverified is all but the base URL: the rate (250 units a minute, of which `create` weighs
    `create_weight`), the words for chains and errors, and how long a deposit is waited for if
    an order does not say.

    `refund_keys` are the names under which a refund address and its tag go along with `create`;
    clients contradict each other there, so by default none goes. `probe` is the amount with which
    limits are asked for: there is no call for them. `markup_percent` is the fee that FixedFloat
    adds for the operator (`afftax`), with the operator's `refcode`. A partner's markup comes on
    top of it, up to `most_markup_bps`: where its end is, the documents do not say.
    """

    client: ClientSettings = _CLIENT
    chains: Mapping[str, Chain] = field(default_factory=lambda: CHAINS)
    price_errors: Mapping[str, Refusal] = field(default_factory=lambda: PRICE_ERRORS)
    messages: Mapping[str, Refusal] = field(default_factory=lambda: MESSAGES)
    credential_words: tuple[str, ...] = ("api key", "api-key", "signature", "x-api")
    create_weight: float = 50.0
    listing_seconds: float = 600.0
    probe: Decimal = Decimal(1)
    refcode: str = ""
    markup_percent: Decimal | None = None
    most_markup_bps: int = MAX_MARKUP_BPS
    refund_keys: tuple[str, str] | None = None
    float_wait: timedelta = timedelta(minutes=30)
    fixed_wait: timedelta = timedelta(minutes=10)
    refunds: Refunds = _REFUNDS
    refund_check: timedelta = timedelta(minutes=5)
