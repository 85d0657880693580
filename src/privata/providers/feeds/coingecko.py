"""Prices of CoinGecko: one call of `simple/price` for all assets.

https://docs.coingecko.com/reference/simple-price
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.providers.failures import Fault, unavailable
from privata.providers.feeds.client import Address, client_at
from privata.providers.fields import Fields
from privata.providers.http.client import Call

log = logging.getLogger(__name__)

NAME: Final = "coingecko"

#: Its names of our assets; unverified, so `PRIVATA_COINGECKO_IDS` can set others.
IDS: Final[dict[str, str]] = {
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "BNB": "binancecoin",
    "POL": "polygon-ecosystem-token",
    "AVAX": "avalanche-2",
    "LTC": "litecoin",
    "DOGE": "dogecoin",
    "BCH": "bitcoin-cash",
    "XMR": "monero",
    "SOL": "solana",
    "TRX": "tron",
    "XRP": "ripple",
    "XLM": "stellar",
    "TON": "the-open-network",
    "ADA": "cardano",
    "ZEC": "zcash",
    "ATOM": "cosmos",
    "USDT": "tether",
    "USDC": "usd-coin",
}

#: How far its clock may be ahead of ours.
_AHEAD: Final = timedelta(minutes=2)


class CoinGecko:
    """Asks for all assets at once. `ids` has CoinGecko's name of each, by ticker.

    `headers` carry the key, if there is one. A price that was updated longer than `stale` ago is
    none.
    """

    def __init__(
        self, url: str, ids: Mapping[str, str], headers: Mapping[str, str], stale: timedelta
    ) -> None:
        self._address = Address(url)
        self._client = client_at(NAME, self._address, headers)
        self._ids = ids
        self._stale = stale

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def read(self, now: datetime) -> dict[str, Decimal]:
        """US dollars by ticker. An asset without a good price is left out.

        `ProviderError` if there is no answer, or nothing in it.
        """
        query = {
            "ids": ",".join(sorted(set(self._ids.values()))),
            "vs_currencies": "usd",
            "include_last_updated_at": "true",
            "precision": "full",
        }
        path = f"{self._address.path.rstrip('/')}/simple/price"
        call = Call("prices", "GET", path, query=self._address.query | query)
        reply = await self._client.call(call)
        answer = reply.fields()
        if not reply.ok:
            raise unavailable(NAME, Fault.UNKNOWN_ERROR, "prices")
        found: dict[str, Decimal] = {}
        failure: ProviderError = unavailable(NAME, Fault.SHAPE, "prices")
        for ticker, ident in self._ids.items():
            try:
                found[ticker] = self._price(answer, ident, now)
            except ProviderError as error:
                log.warning("prices: %s at %s: %s", ticker, NAME, error.message)
                failure = error
        if not found:
            raise failure
        return found

    def _price(self, answer: Fields, ident: str, now: datetime) -> Decimal:
        said = answer.inside(ident)
        usd, updated = said.amount("usd"), said.optional_seconds("last_updated_at")
        if not usd:
            raise said.fault(Fault.NUMBER, "usd")
        if updated is None or updated > now + _AHEAD:
            raise said.fault(Fault.MOMENT, "last_updated_at")
        if updated < now - self._stale:
            raise said.fault(Fault.STALE, "last_updated_at")
        return usd
