"""What the fakes swap: the assets whose chains we can make addresses for, at fixed prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from privata.providers.currencies import CANONICAL

#: Dollars for one.
PRICES: Final = {
    "BTC": Decimal(64000),
    "ETH": Decimal(3200),
    "LTC": Decimal(80),
    "DOGE": Decimal("0.125"),
    "XMR": Decimal(160),
    "SOL": Decimal(150),
    "TRX": Decimal("0.16"),
    "XRP": Decimal("0.5"),
    "BNB": Decimal(600),
    "AVAX": Decimal(30),
    "USDT": Decimal(1),
    "USDC": Decimal(1),
}

_OWN: Final = ("BTC", "LTC", "DOGE", "TRX", "TRC20", "SOL", "XMR", "XRP")
_EVM: Final = ("ETH", "ERC20", "BSC", "POLYGON", "ARBITRUM", "OPTIMISM", "BASE", "AVAXC")
#: Our network -> the one whose addresses look the same.
CHAIN_NETWORK: Final = {**{name: name for name in _OWN}, **dict.fromkeys(_EVM, "ETH")}

LISTED: Final = tuple(
    one for one in CANONICAL if one.asset.ticker in PRICES and one.asset.network in CHAIN_NETWORK
)
