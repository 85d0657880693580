"""What amounts are worth in US dollars.

Prices come from the providers' own quotes against USDT, which a worker asks for
(`routing.refreshing`). Where there is none of the last day, the table below stands in. It has a
date, so that whoever reads a value knows how old it may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from privata.core.money import CONTEXT, floor_to
from privata.providers.port import Asset

#: Where prices come from (`PRIVATA_PRICES`).
Source = Literal["providers", "static"]

#: The day on which the table was written down.
STATIC_AS_OF: Final = date(2026, 11, 30)

#: US dollars for one, rounded.
STATIC: Final[Mapping[str, Decimal]] = {
    "BTC": Decimal(64000),
    "ETH": Decimal(3200),
    "BNB": Decimal(600),
    "POL": Decimal("0.25"),
    "AVAX": Decimal(30),
    "LTC": Decimal(80),
    "DOGE": Decimal("0.125"),
    "BCH": Decimal(400),
    "XMR": Decimal(160),
    "SOL": Decimal(150),
    "TRX": Decimal("0.16"),
    "XRP": Decimal("0.5"),
    "XLM": Decimal("0.1"),
    "TON": Decimal(3),
    "ADA": Decimal("0.4"),
    "ZEC": Decimal(40),
    "ATOM": Decimal(4),
    "USDT": Decimal(1),
    "USDC": Decimal(1),
}

#: How far a quoted price may be from the table's, as a factor: rates move, providers are wrong.
MOST_APART: Final = 20

#: Decimals of a value, as an order keeps it.
_USD_DECIMALS: Final = 8


class Prices:
    """The price port: `quoted` are the providers' prices of the last day, by ticker."""

    def __init__(self, quoted: Mapping[str, Decimal]) -> None:
        self._quoted = quoted

    def of(self, asset: Asset) -> Decimal | None:
        """US dollars for one; None for an asset that nobody has priced."""
        return self._quoted.get(asset.ticker) or STATIC.get(asset.ticker)

    def value(self, asset: Asset, amount: Decimal) -> Decimal | None:
        """What an amount is worth in US dollars, with 8 decimals."""
        price = self.of(asset)
        return None if price is None else floor_to(CONTEXT.multiply(amount, price), _USD_DECIMALS)

    def plausible(self, asset: Asset, price: Decimal) -> bool:
        """Whether a provider's price may be meant: twenty times ours, or a twentieth, is not."""
        ours = self.of(asset)
        return ours is not None and ours / MOST_APART <= price <= ours * MOST_APART

    def amount_of(self, asset: Asset, dollars: Decimal) -> Decimal | None:
        """How much of an asset is worth so many US dollars, in its decimals."""
        price = self.of(asset)
        return None if price is None else floor_to(CONTEXT.divide(dollars, price), asset.decimals)

    def converted(self, amount: Decimal, source: Asset, target: Asset) -> Decimal | None:
        """About how much of `target` an amount of `source` is; None where a price is missing."""
        dollars = self.value(source, amount)
        return None if dollars is None else self.amount_of(target, dollars)
