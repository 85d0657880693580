"""Simulated wallets: they make test orders through the public API, as a partner's backend would."""

from __future__ import annotations

import asyncio
import logging
import random
from decimal import Decimal
from typing import Any

import aiohttp

from privata.core.money import format_amount
from privata.providers.port import Scenario
from privata.providers.simulator.addresses import deposit_address
from privata.providers.simulator.assets import PRICES

log = logging.getLogger(__name__)

#: How often each scenario comes; most swaps of a real partner go well.
WEIGHTS = {
    Scenario.SUCCESS: 80,
    Scenario.FAIL: 6,
    Scenario.REFUND: 4,
    Scenario.STUCK: 3,
    Scenario.EXPIRE: 7,
}

#: Seconds between orders; exponential, so that they come as people do.
MEAN_PAUSE_S = 6.0

#: Seconds a path takes, at least and at most.
TTL_RANGE = (8, 90)

#: Dollars a swap is worth: log-normal around 320, between the simulator's limits.
_MEDIAN_USD, _SPREAD = 320.0, 1.1
_USD_RANGE = (15.0, 40_000.0)

TIMEOUT = aiohttp.ClientTimeout(total=10)


async def run_wallets(base_url: str, key: str) -> None:
    """Make orders until cancelled: one of each scenario at once, then a gentle stream."""
    async with aiohttp.ClientSession(
        f"{base_url}/partner/v1/", headers={"X-API-Key": key}, timeout=TIMEOUT
    ) as session:
        rng = random.Random()  # noqa: S311  # traffic, not secrets
        for scenario in Scenario:
            await _try(session, rng, scenario, ttl=rng.randint(4, 12))
        while True:
            await asyncio.sleep(rng.expovariate(1 / MEAN_PAUSE_S))
            scenario = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            await _try(session, rng, scenario, ttl=rng.randint(*TTL_RANGE))


async def _try(
    session: aiohttp.ClientSession, rng: random.Random, scenario: Scenario, *, ttl: int
) -> None:
    try:
        await _swap(session, rng, scenario, ttl)
    except (aiohttp.ClientError, TimeoutError) as error:
        # The server may be restarting under us; a wallet just tries later.
        log.warning("a simulated wallet could not swap: %s", error or "too slow")


async def _swap(
    session: aiohttp.ClientSession, rng: random.Random, scenario: Scenario, ttl: int
) -> None:
    source, target = rng.sample(list(PRICES), 2)
    amount = Decimal(f"{some_dollars(rng):.2f}") / PRICES[source]
    query = {
        "from": source.ticker,
        "from_network": source.network,
        "to": target.ticker,
        "to_network": target.network,
        "amount": format_amount(amount, min(source.decimals, 6)),
        "rate_type": rng.choice(["float", "fixed"]),
        "markup_bps": str(rng.choice([0, 25, 50, 100])),
    }
    async with session.get("estimate", params=query) as answer:
        quote = await json_of(answer)
    address, extra_id = deposit_address(target.network, f"wallet:{rng.getrandbits(64)}")
    refund_address, refund_extra_id = deposit_address(source.network, f"user:{rng.getrandbits(64)}")
    body = {
        "quote_id": quote["quote_id"],
        "address": address,
        "extra_id": extra_id,
        "refund_address": refund_address,
        "refund_extra_id": refund_extra_id,
        "partner_order_ref": f"acme-{rng.getrandbits(40):010x}",
        "sandbox_scenario": scenario.value,
        "sandbox_ttl": ttl,
    }
    async with session.post("order/create", json=body) as answer:
        order = await json_of(answer)
    log.debug("wallet made %s (%s)", order["order_id"], scenario)


def some_dollars(rng: random.Random) -> float:
    """What somebody swaps, in US dollars."""
    return min(max(_MEDIAN_USD * rng.lognormvariate(0, _SPREAD), _USD_RANGE[0]), _USD_RANGE[1])


async def json_of(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The content of an answer; `ClientError` with its error if it is one."""
    content: dict[str, Any] = await answer.json()
    if not answer.ok:
        raise aiohttp.ClientError(f"{answer.status} {content.get('error')}")
    return content
