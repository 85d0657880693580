"""Live keys never reach the simulator, and test keys never a live provider: over every route."""

from __future__ import annotations

from typing import Any

import pytest

from privata.api.changenow_openapi import ROUTERS
from privata.core.errors import ProviderRefused
from privata.core.tenancy import Environment
from privata.providers import registry
from privata.providers.simulator.provider import Simulator
from tests.conftest import ADDRESSES, Partner
from tests.journeys.partner.changenow.client import ChangeNow, ChangeNowError
from tests.journeys.partner.changenow.conftest import Wallets
from tests.journeys.partner.changenow.test_exchange import BODY, DIRECT, PAIR

_ASKED = ("currencies", "limits", "quote", "create_order", "get_order", "refund")


class Watched(Simulator):
    """A provider that notes what it is asked."""

    def __init__(self, name: str, environment: Environment) -> None:
        self.name, self.environment = name, environment
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in _ASKED:
            self.asked.append(name)
            if name == "create_order" and self.environment is Environment.LIVE:
                return _refuse
        return super().__getattribute__(name)


async def _refuse(*_: object, **__: object) -> None:
    raise ProviderRefused("no")


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
    partner: Partner, wallets: Wallets, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, live = Watched("simulator", Environment.TEST), Watched("real", Environment.LIVE)
    monkeypatch.setattr(registry, "PROVIDERS", (test, live))
    testing, trading = wallets(partner.test_key), wallets(partner.live_key)

    made = await testing.create(BODY)
    await _every_route(testing, made["id"])
    assert test.asked
    assert not live.asked
    test.asked.clear()

    found = await _every_route(trading, made["id"])
    assert found[("POST", "/exchange")] == "not_available"  # the live one was asked, and said no
    assert found[("GET", "/exchange/by-id")] == "not_found"
    assert {"currencies", "limits", "quote", "create_order"} <= set(live.asked)
    assert not test.asked


async def test_a_rate_of_one_environment_is_unknown_in_the_other(
    partner: Partner, wallets: Wallets, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Watched("real", Environment.LIVE)
    monkeypatch.setattr(registry, "PROVIDERS", (*registry.PROVIDERS, live))
    keys = (partner.test_key, partner.live_key)
    for mine, other in (keys, keys[::-1]):
        rate = await wallets(mine).estimate(**DIRECT, flow="fixed-rate", useRateId="true")
        body = BODY | {"flow": "fixed-rate", "rateId": rate.rate_id}
        with pytest.raises(ChangeNowError) as raised:
            await wallets(other).create(body)
        assert (raised.value.status, raised.value.error) == (400, "not_valid_params")
    assert "create_order" not in live.asked


async def test_the_sandbox_is_for_test_keys(
    partner: Partner, wallets: Wallets, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Watched("real", Environment.LIVE)
    monkeypatch.setattr(registry, "PROVIDERS", (*registry.PROVIDERS, live))
    with pytest.raises(ChangeNowError) as raised:
        await wallets(partner.live_key).create(BODY, sandbox_scenario="success")
    assert (raised.value.status, raised.value.error) == (400, "not_valid_params")
    assert "create_order" not in live.asked
