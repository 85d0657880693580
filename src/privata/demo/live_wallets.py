"""Simulated wallets that trade live: at the demo's exchanges, with some refunds to ask for."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

import aiohttp

from privata.core.lifecycle import TERMINAL, OrderStatus
from privata.core.money import format_amount
from privata.demo.wallets import TIMEOUT, json_of, some_dollars
from privata.providers.fakes.assets import CHAIN_NETWORK, LISTED, PRICES
from privata.providers.port import Asset
from privata.providers.simulator.addresses import deposit_address

log = logging.getLogger(__name__)

#: Seconds between live orders; exponential.
MEAN_PAUSE_S: Final = 12.0

#: Seconds until the lists of the exchanges are looked for again, at the start.
LISTS_PAUSE_S: Final = 1.0

#: How often it is tried to make an order at each exchange, and seconds between two tries. Each asks
#: for all offers, of which a key gets few a minute (`PRIVATA_RATE_OFFERS_PER_MINUTE`).
EACH_TRIES: Final = 4
EACH_PAUSE_S: Final = 6.0

#: Orders that the wallets look at; the oldest is forgotten.
MOST_WATCHED: Final = 20

_ASSETS: Final = tuple(one.asset for one in LISTED)
#: Whoever looks at an order in one of them waits for a person, or for nothing.
_AT_REST: Final = TERMINAL | {OrderStatus.MANUAL_REVIEW}


async def run_live_wallets(base_url: str, key: str, exchanges: Collection[str]) -> None:
    """Make live orders until cancelled: soon one at each exchange, then at the best."""
    async with aiohttp.ClientSession(
        f"{base_url}/partner/v1/", headers={"X-API-Key": key}, timeout=TIMEOUT
    ) as session:
        wallets = LiveWallets(session)
        while True:
            if await wallets.trade():
                break
            await asyncio.sleep(LISTS_PAUSE_S)
        missing = set(exchanges)
        for _ in range(EACH_TRIES):
            missing -= await wallets.trade_at_each(missing)
            if not missing:
                break
            await asyncio.sleep(EACH_PAUSE_S)
            await wallets.look()
        while True:
            await wallets.look()
            await asyncio.sleep(wallets.pause())
            await wallets.trade()


class LiveWallets:
    """The wallets, with the orders that they watch."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._rng = random.Random()  # noqa: S311  # traffic, not secrets
        self._watched: list[str] = []
        self._stranded = 0

    def pause(self) -> float:
        """Seconds until the next order."""
        return self._rng.expovariate(1 / MEAN_PAUSE_S)

    async def trade(self) -> bool:
        """Make an order at the best exchange; False if that cannot be done now."""
        try:
            quote, source, target = await self._estimate({})
            await self._order(quote["quote_id"], source.network, target.network)
        except (aiohttp.ClientError, TimeoutError) as error:
            # An exchange may be down, and others too dear by then: a wallet just tries later.
            log.info("a simulated wallet could not trade live: %r", error)
            return False
        return True

    async def trade_at_each(self, exchanges: Collection[str]) -> set[str]:
        """Make an order at each of these exchanges that has an offer now; their names."""
        made = set()
        try:
            found, source, target = await self._estimate({"include": "all"})
            for offer in found["offers"]:
                if offer["provider"] in exchanges:
                    await self._order(offer["quote_id"], source.network, target.network)
                    made.add(offer["provider"])
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("a simulated wallet could not trade at each exchange: %r", error)
        return made

    async def look(self) -> None:
        """See how the orders stand; of those that need a refund, ask for every second one."""
        for order_id in tuple(self._watched):
            try:
                await self._look_at(order_id)
            except (aiohttp.ClientError, TimeoutError) as error:
                log.info("a simulated wallet could not look at %s: %r", order_id, error)

    async def _look_at(self, order_id: str) -> None:
        async with self._session.get(f"order/{order_id}") as answer:
            status = OrderStatus((await json_of(answer))["status"])
        if status is OrderStatus.REFUND_REQUIRED:
            # The others are for whoever tries the dashboard.
            if self._stranded % 2 == 0:
                body = {"refund_to_address": True}
                url = f"order/{order_id}/refund-action"
                async with self._session.post(url, json=body) as answer:
                    await json_of(answer)
            self._stranded += 1
        if status is OrderStatus.REFUND_REQUIRED or status in _AT_REST:
            self._watched.remove(order_id)

    async def _estimate(self, more: Mapping[str, str]) -> tuple[dict[str, Any], Asset, Asset]:
        source, target = self._rng.sample(_ASSETS, 2)
        amount = Decimal(f"{some_dollars(self._rng):.2f}") / PRICES[source.ticker]
        query = {
            "from": source.ticker,
            "from_network": source.network,
            "to": target.ticker,
            "to_network": target.network,
            "amount": format_amount(amount, min(source.decimals, 6)),
            "rate_type": self._rng.choice(["float", "fixed"]),
            "markup_bps": str(self._rng.choice([0, 25, 50, 100])),
            **more,
        }
        async with self._session.get("estimate", params=query) as answer:
            return await json_of(answer), source, target

    async def _order(self, quote_id: str, from_network: str, to_network: str) -> None:
        address, extra_id = self._address(to_network)
        refund_address, refund_extra_id = self._address(from_network)
        body = {
            "quote_id": quote_id,
            "address": address,
            "extra_id": extra_id,
            "refund_address": refund_address,
            "refund_extra_id": refund_extra_id,
            "partner_order_ref": f"acme-{self._rng.getrandbits(40):010x}",
        }
        async with self._session.post("order/create", json=body) as answer:
            order_id = (await json_of(answer))["order_id"]
        self._watched = [*self._watched[1 - MOST_WATCHED :], order_id]

    def _address(self, network: str) -> tuple[str, str | None]:
        return deposit_address(CHAIN_NETWORK[network], f"wallet:{self._rng.getrandbits(64)}")
