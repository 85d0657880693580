"""`/estimate` over the nine exchanges in their own formats, while some of them are in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import wait_for
from privata.providers.fakes.traps import Trap
from privata.providers.tests.conformance.cases import CASES
from privata.routing.breaker import RULES, BreakerState
from privata.routing.refreshing import refresh_due
from privata.routing.service import routing_of
from privata.routing.tests.market import Market
from tests.conftest import Partner

QUERY = {"from": "BTC", "to": "USDT", "to_network": "ERC20", "amount": "0.01", "include": "all"}

HANGING = ("exolix", "stealthex")
FAILING = "godex"
BAD = {*HANGING, FAILING}


@pytest.fixture
async def market(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    """All nine, enabled; each keeps more than the one before."""
    made = Market(partner.ctx, monkeypatch)
    for place, case in enumerate(CASES):
        fake = made.others[case.name] = case.fake()
        fake.spread = fake.spread * (place + 1) / 10
        adapter = case.adapter(await fake.start())
        await made.enter(case.name, lambda _, adapter=adapter: adapter)
    yield made
    await made.close()


async def offered(partner: Partner) -> list[str]:
    """Who makes an offer, best first."""
    answer = await partner.get("/estimate", key=partner.live_key, **QUERY)
    assert answer.status_code == 200, answer.text
    offers: list[dict[str, Any]] = answer.json()["offers"]
    amounts = [float(one["amount_to"]) for one in offers]
    assert amounts == sorted(amounts, reverse=True)
    return [one["provider"] for one in offers]


async def test_two_hang_and_one_fails_and_the_rest_answer(partner: Partner, market: Market) -> None:
    every = set(await offered(partner))
    assert every == {case.name for case in CASES}
    for name in HANGING:
        market.others[name].trap = Trap.HANGING
    market.others[FAILING].trap = Trap.SERVER_ERROR
    # Together, so that the test waits for one deadline and not for each.
    for names in await asyncio.gather(*(offered(partner) for _ in range(RULES.failures))):
        assert set(names) == every - BAD
    # The breakers are open: nobody is asked in vain any more.
    routing = routing_of(partner.ctx)
    assert {routing.state(name) for name in BAD} == {BreakerState.OPEN}
    asked = {name: len(market.others[name].seen) for name in BAD}
    assert set(await offered(partner)) == every - BAD
    assert {name: len(market.others[name].seen) for name in BAD} == asked
    # They close by themselves: the worker's round is the probe, no customer has to be.
    for name in BAD:
        market.others[name].trap = None
    later = routing._monotonic() + RULES.rest_s
    routing._monotonic = lambda: later
    await partner.ctx.database.pool.execute("UPDATE provider SET refresh_at = now()")
    await refresh_due(partner.ctx)
    assert {routing.state(name) for name in BAD} == {BreakerState.CLOSED}
    assert set(await offered(partner)) == every


async def test_nothing_else_waits_for_an_exchange_that_hangs(
    partner: Partner, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privata.quotes.asking.PROVIDER_DEADLINE_S", 600.0)
    hanging = market.others[HANGING[0]]
    hanging.trap = Trap.HANGING
    before = len(hanging.calls("quote"))
    waiting = asyncio.create_task(offered(partner))

    async def asked() -> bool:
        return len(hanging.calls("quote")) > before

    await wait_for(asked)
    for path in ("/currencies", "/pairs", "/me/orders", "/health", "/providers/refund-capability"):
        answer = await partner.get(path, key=partner.live_key)
        assert answer.status_code == 200, answer.text
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
