"""Live keys never reach the simulator, and test keys never an exchange: over every route."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from privata.api.openapi import encoded_document
from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.orders.following.poller import follow_once
from privata.providers.simulator.provider import Simulator
from privata.refunds.executing import execute_once
from privata.routing.tests.market import Market
from tests.conftest import ADDRESSES, Partner, mint

CALLS = ("currencies", "limits", "quote", "create_order", "get_order", "refund")

QUERY = {"from": "BTC", "to": "ETH", "to_network": "ETH", "amount": "0.1", "include": "all"}

#: What opens a connection that stays.
ENDLESS = ("/stream",)


def operations() -> list[tuple[str, str]]:
    paths = json.loads(encoded_document("http://localhost"))["paths"]
    return [
        (method.upper(), path.removeprefix("/partner/v1"))
        for path, found in paths.items()
        for method in found
        if method in ("get", "post", "put", "patch", "delete")
    ]


async def call(partner: Partner, method: str, path: str, key: str, body: Any) -> int:
    for name, value in (("{order_id}", body["order_id"]), ("{endpoint_id}", "none")):
        path = path.replace(name, value)
    async with partner.client.stream(
        method,
        path,
        params={k: v for k, v in QUERY.items() if method == "GET" and "order" not in path},
        json=None if method in ("GET", "DELETE") else body["json"],
        headers={"X-API-Key": key},
    ) as answer:
        if not path.endswith(ENDLESS):
            await answer.aread()
        return answer.status_code


@pytest.mark.parametrize("environment", Environment)
async def test_live_keys_never_reach_the_simulator_and_test_keys_never_an_exchange(
    partner: Partner, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    market = Market(partner.ctx, monkeypatch)
    fake = await market.open("changenow")
    simulated: Counter[str] = Counter()
    for name in CALLS:
        _counted(monkeypatch, name, simulated)
    scopes = (Scope.ORDERS, Scope.WEBHOOK_ADMIN, Scope.PAYOUTS_READ)
    key = await mint(partner.ctx, partner.organization_id, environment, *scopes)
    quote = await partner.get("/estimate", key=key, **QUERY)
    assert quote.status_code == 200, quote.text
    wanted = {"quote_id": quote.json()["quote_id"], "address": ADDRESSES["ETH"]}
    order = await partner.post("/order/create", wanted, key=key)
    assert order.status_code == 201, order.text
    order_id = order.json()["order_id"]
    assert len(operations()) > 15
    for method, path in operations():
        body = {"order_id": order_id, "json": wanted}
        assert await call(partner, method, path, key, body) < 500, (method, path)
    await partner.ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
    await follow_once(partner.ctx)
    for one in Environment:
        await execute_once(partner.ctx, one)
    live = environment is Environment.LIVE
    assert bool(simulated) is not live, simulated
    assert bool(fake.seen) is live, [one.call for one in fake.seen]
    assert {"quote", "create_order", "get_order"} <= simulated.keys() or live
    assert {"quote", "create", "status"} <= {one.call for one in fake.seen} or not live
    await market.close()


def _counted(monkeypatch: pytest.MonkeyPatch, name: str, simulated: Counter[str]) -> None:
    call = getattr(Simulator, name)

    async def counting(*args: Any, **more: Any) -> Any:
        simulated[name] += 1
        return await call(*args, **more)

    monkeypatch.setattr(Simulator, name, counting)
