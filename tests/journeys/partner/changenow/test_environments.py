"""Live keys never reach the simulator, and test keys never a live provider: over every route."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from privata.api.changenow_openapi import ROUTERS
from privata.providers.simulator.provider import Simulator
from privata.routing.tests.market import Market
from tests.conftest import ADDRESSES, Partner
from tests.journeys.partner.changenow.client import ChangeNow, ChangeNowError
from tests.journeys.partner.changenow.conftest import Wallets
from tests.journeys.partner.changenow.test_exchange import BODY, DIRECT, PAIR

_ASKED = ("currencies", "limits", "quote", "create_order", "get_order", "refund")


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the simulator was asked what."""
    counted: Counter[str] = Counter()
    for name in _ASKED:
        monkeypatch.setattr(Simulator, name, _counting(name, counted))
    return counted


def _counting(name: str, counted: Counter[str]) -> Any:
    call = getattr(Simulator, name)

    async def counting(*args: Any, **more: Any) -> Any:
        counted[name] += 1
        return await call(*args, **more)

    return counting


@pytest.fixture
async def market(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    """A live exchange, which has been asked for its list."""
    made = Market(partner.ctx, monkeypatch)
    await made.open("changenow")
    yield made
    await made.close()


def _calls(market: Market) -> set[str]:
    return {one.call for one in market.fakes["changenow"].seen}


#: Every route: what it answers to a live key where there is no live provider, None: a success.
_WITHOUT_A_PROVIDER = {
    ("GET", "/exchange/currencies"): None,
    ("GET", "/exchange/available-pairs"): None,
    ("GET", "/validate/address"): None,
    ("GET", "/exchange/min-amount"): "pair_is_inactive",
    ("GET", "/exchange/range"): "pair_is_inactive",
    ("GET", "/exchange/estimated-amount"): "pair_is_inactive",
    ("GET", "/exchange/network-fee"): "pair_is_inactive",
    ("POST", "/exchange"): "pair_is_inactive",
    ("GET", "/exchange/by-id"): "not_found",
    ("GET", "/exchange/actions"): "not_found",
    ("POST", "/exchange/refund"): "not_found",
    ("POST", "/exchange/continue"): "not_found",
}


async def _every_route(wallet: ChangeNow, ident: str) -> dict[tuple[str, str], Any]:
    """What each route answers about this pair and exchange: an answer, or an error's code."""
    calls = {
        ("GET", "/exchange/currencies"): wallet.currencies(),
        ("GET", "/exchange/available-pairs"): wallet.pairs(),
        ("GET", "/validate/address"): wallet.validate("btc", ADDRESSES["BTC"]),
        ("GET", "/exchange/min-amount"): wallet.min_amount(**PAIR),
        ("GET", "/exchange/range"): wallet.range(**PAIR),
        ("GET", "/exchange/estimated-amount"): wallet.estimate(**DIRECT),
        ("GET", "/exchange/network-fee"): wallet.network_fee(**PAIR),
        ("POST", "/exchange"): wallet.create(BODY),
        ("GET", "/exchange/by-id"): wallet.by_id(ident),
        ("GET", "/exchange/actions"): wallet.actions(ident),
        ("POST", "/exchange/refund"): wallet.refund(ident, ADDRESSES["BTC"]),
        ("POST", "/exchange/continue"): wallet.go_on(ident),
    }
    found: dict[tuple[str, str], Any] = {}
    for route, call in calls.items():
        try:
            found[route] = await call
        except ChangeNowError as error:
            found[route] = error.error
    return found


def test_every_route_is_asked() -> None:
    routes = {(one.method, one.path) for router in ROUTERS for one in router.routes}
    assert _WITHOUT_A_PROVIDER.keys() == routes


async def test_a_live_key_without_a_live_provider(partner: Partner, wallets: Wallets) -> None:
    made = await wallets(partner.test_key).create(BODY)
    found = await _every_route(wallets(partner.live_key), made["id"])
    assert found[("GET", "/exchange/currencies")] == []
    assert found[("GET", "/exchange/available-pairs")] == []
    errors = {route: one if isinstance(one, str) else None for route, one in found.items()}
    assert errors == _WITHOUT_A_PROVIDER


async def test_test_and_live_never_meet(
    partner: Partner, wallets: Wallets, market: Market, simulated: Counter[str]
) -> None:
    testing, trading = wallets(partner.test_key), wallets(partner.live_key)

    made = await testing.create(BODY)
    await _every_route(testing, made["id"])
    assert {"quote", "create_order"} <= simulated.keys()
    assert _calls(market) == set()
    simulated.clear()

    found = await _every_route(trading, made["id"])
    assert isinstance(found[("POST", "/exchange")], dict)
    assert found[("GET", "/exchange/by-id")] == "not_found"
    assert {"quote", "create"} <= _calls(market)
    assert not simulated


async def test_a_rate_of_one_environment_is_unknown_in_the_other(
    partner: Partner, wallets: Wallets, market: Market
) -> None:
    keys = (partner.test_key, partner.live_key)
    for mine, other in (keys, keys[::-1]):
        rate = await wallets(mine).estimate(**DIRECT, flow="fixed-rate", useRateId="true")
        body = BODY | {"flow": "fixed-rate", "rateId": rate.rate_id}
        with pytest.raises(ChangeNowError) as raised:
            await wallets(other).create(body)
        assert (raised.value.status, raised.value.error) == (400, "not_valid_params")
    assert "create" not in _calls(market)


async def test_the_sandbox_is_for_test_keys(
    partner: Partner, wallets: Wallets, market: Market
) -> None:
    with pytest.raises(ChangeNowError) as raised:
        await wallets(partner.live_key).create(BODY, sandbox_scenario="success")
    assert (raised.value.status, raised.value.error) == (400, "not_valid_params")
    assert "create" not in _calls(market)
