"""What amounts are worth in US dollars: the price port.

A worker accepts prices out of what the sources report (`judging`) and keeps them in the database.
Where there is none of the last day, the table below stands in. It has a date, so that whoever reads
a value knows how old it may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from privata.core.money import CONTEXT, floor_to
from privata.providers.port import Asset

#: The name of the table among the sources.
TABLE: Final = "table"

#: The day on which the table was written down.
STATIC_AS_OF: Final = datetime(2026, 11, 30, tzinfo=UTC)

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

#: How much more than it costs an offer may be worth, as a factor, where prices are confirmed.
MOST_GAIN: Final = 2

#: Decimals of a value, as an order keeps it.
_USD_DECIMALS: Final = 8


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one, who says so (names, comma-separated), and when that was known to hold.

    `stale`: nobody has confirmed it for longer than `PRIVATA_PRICE_STALE_MINUTES`. The table is
    always stale.
    """

    usd: Decimal
    source: str
    as_of: datetime
    stale: bool


class Prices:
    """The price port: `accepted` are the prices of the last day, by ticker."""

    def __init__(self, accepted: Mapping[str, Price]) -> None:
        self._accepted = accepted

    def price(self, asset: Asset) -> Price | None:
        """What one is worth, by whom and how old; None for an asset that nobody has priced."""
        found = self._accepted.get(asset.ticker)
        if found is not None:
            return found
        usd = STATIC.get(asset.ticker)
        return None if usd is None else Price(usd, TABLE, STATIC_AS_OF, stale=True)

    def of(self, asset: Asset) -> Decimal | None:
        """US dollars for one; None for an asset that nobody has priced."""
        found = self.price(asset)
        return None if found is None else found.usd

    def value(self, asset: Asset, amount: Decimal) -> Decimal | None:
        """What an amount is worth in US dollars, with 8 decimals."""
        price = self.of(asset)
        return None if price is None else floor_to(CONTEXT.multiply(amount, price), _USD_DECIMALS)

    def amount_of(self, asset: Asset, dollars: Decimal) -> Decimal | None:
        """How much of an asset is worth so many US dollars, in its decimals."""
        price = self.of(asset)
        return None if price is None else floor_to(CONTEXT.divide(dollars, price), asset.decimals)

    def meant(self, source: Asset, amount_from: Decimal, target: Asset, amount_to: Decimal) -> bool:
        """Whether an offer can be meant: what is received is worth about what is sent.

        With prices that sources confirm, nobody gives more than twice as much; fees may eat most of
        a small amount. By old prices both are judged as wide as a price is (`MOST_APART`).
        """
        one, other = self.price(source), self.price(target)
        if one is None or other is None:
            return True
        sent = CONTEXT.multiply(amount_from, one.usd)
        received = CONTEXT.multiply(amount_to, other.usd)
        most = MOST_APART if one.stale or other.stale else MOST_GAIN
        return received <= sent * most and sent <= received * MOST_APART

    def converted(self, amount: Decimal, source: Asset, target: Asset) -> Decimal | None:
        """About how much of `target` an amount of `source` is; None where a price is missing."""
        dollars = self.value(source, amount)
        return None if dollars is None else self.amount_of(target, dollars)


def plausible(ticker: str, usd: Decimal) -> bool:
    """Whether a reported price may be meant: twenty times the table's, or a twentieth, is not."""
    ours = STATIC.get(ticker)
    return ours is not None and ours / MOST_APART <= usd <= ours * MOST_APART
