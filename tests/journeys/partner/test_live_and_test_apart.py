"""Live keys never reach the simulator, and test keys never an exchange: over every route.

The routes are those of the two documents, so a new one is swept without a word here.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from privata.api import changenow_openapi, openapi
from privata.apikeys.scopes import Scope
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.following.poller import follow_once
from privata.orders.service import advance
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.port import Report
from privata.providers.simulator.provider import Simulator
from privata.refunds.executing import execute_once
from privata.routing.tests.market import Market
from tests.conftest import ADDRESSES, Partner, mint
from tests.loopback import NO_AUTHORITIES

CALLS = ("currencies", "limits", "quote", "create_order", "get_order", "refund")

#: What a parameter of this name is given, wherever it stands.
GIVEN: dict[str, str] = {
    "from": "BTC",
    "to": "ETH",
    "from_network": "BTC",
    "to_network": "ETH",
    "amount": "0.1",
    "include": "all",
    "currency": "BTC",
    "network": "BTC",
    "address": ADDRESSES["BTC"],
    "fromCurrency": "btc",
    "toCurrency": "eth",
    "fromNetwork": "btc",
    "toNetwork": "eth",
    "fromAmount": "0.1",
}

ESTIMATE = ("from", "to", "to_network", "amount")

BODY = {
    "address": ADDRESSES["ETH"],
    "refundAddress": ADDRESSES["BTC"],
    "fromCurrency": "btc",
    "toCurrency": "eth",
    "fromNetwork": "btc",
    "toNetwork": "eth",
    "fromAmount": "0.1",
}

#: Routes whose subjects have nothing to do with providers; what they answer does not matter.
ELSEWHERE = ("/partner/v1/webhook/", "/partner/v1/payouts")

#: Of the others, what is refused to either key: what ChangeNOW has and we have not.
REFUSED = {"/v2/exchange/continue", "/v2/exchange/network-fee"}

#: What opens a connection that stays.
ENDLESS = ("/stream",)


class Route(NamedTuple):
    """A route of a document, and the parameters of its query."""

    method: str
    path: str
    query: tuple[str, ...]


def routes() -> Iterator[Route]:
    documents = (
        json.loads(openapi.encoded_document("http://localhost")),
        changenow_openapi.document("http://localhost"),
    )
    for document in documents:
        for path, item in document["paths"].items():
            for method in openapi.METHODS:
                if method in item:
                    shared = (*item.get("parameters", ()), *item[method].get("parameters", ()))
                    query = tuple(one["name"] for one in shared if one.get("in") == "query")
                    yield Route(method.upper(), path, query)


class Sweep:
    """Calls every route with one key, about two orders of that key whose deposits go back."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self.client = client
        self.key = key

    async def call(self, method: str, path: str, query: Any = None, body: Any = None) -> Any:
        """The status, and the JSON where there is some."""
        headers = {"X-API-Key": self.key, "Idempotency-Key": uuid.uuid4().hex}
        async with self.client.stream(
            method, path, params=query, json=body, headers=headers
        ) as answer:
            if path.endswith(ENDLESS):
                return answer.status_code, None
            await answer.aread()
            return answer.status_code, answer.json() if answer.content else None

    async def offer(self) -> Any:
        """The best offer."""
        query = {name: GIVEN[name] for name in ESTIMATE}
        status, made = await self.call("GET", "/partner/v1/estimate", query)
        assert status == 200, made
        return made

    async def order(self) -> str:
        """An order of the partner API."""
        quote = await self.offer()
        wanted = {
            "quote_id": quote["quote_id"],
            "address": ADDRESSES["ETH"],
            "refund_address": ADDRESSES["BTC"],
        }
        status, made = await self.call("POST", "/partner/v1/order/create", body=wanted)
        assert status == 201, made
        return str(made["order_id"])

    async def exchange(self) -> str:
        """An exchange of the ChangeNOW API."""
        status, made = await self.call("POST", "/v2/exchange", body=BODY)
        assert status == 200, made
        return str(made["id"])

    async def every_route(self, order_id: str, exchange_id: str) -> dict[str, int]:
        """What each route answered, by method and path."""
        found: dict[str, int] = {}
        for route in routes():
            path = route.path.replace("{order_id}", order_id).partition("{")[0]
            path += "none" if path.endswith("/") else ""
            query = {name: GIVEN[name] for name in route.query if name in GIVEN}
            if "/me/orders" in path:
                query = {}
            if "id" in route.query:
                query = {"id": exchange_id}
            body = None if route.method in ("GET", "DELETE") else self._body(path, exchange_id)
            if path == "/partner/v1/order/create":
                quote = await self.offer()
                body = {"quote_id": quote["quote_id"], "address": ADDRESSES["ETH"]}
            status, shown = await self.call(route.method, path, query, body)
            assert status < 500, (route, shown)
            found[f"{route.method} {route.path}"] = status
        return found

    def _body(self, path: str, exchange_id: str) -> Any:
        if path.endswith("/refund-action"):
            return {"refund_to_address": True}
        return (
            BODY | {"id": exchange_id, "address": ADDRESSES["BTC"]}
            if (path.startswith("/v2/exchange/"))
            else BODY
        )


async def swept(sweep: Sweep, ctx: AppContext, fake: FakeChangeNow) -> dict[str, int]:
    """What each route answered about two orders that need a refund."""
    order_id, exchange_id = await sweep.order(), await sweep.exchange()
    for row in await ctx.database.pool.fetch("SELECT id, provider_order_id FROM orders"):
        if row["provider_order_id"] in fake.book:
            fake.move(row["provider_order_id"], "failed", actions=True)
        await advance(ctx, order_id=row["id"], report=Report(OrderStatus.REFUND_REQUIRED))
    return await sweep.every_route(order_id, exchange_id)


@pytest.mark.parametrize("environment", Environment)
async def test_live_keys_never_reach_the_simulator_and_test_keys_never_an_exchange(
    partner: Partner, api_url: str, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    ctx = partner.ctx
    market = Market(ctx, monkeypatch)
    fake = await market.open("changenow")
    simulated: Counter[str] = Counter()
    for name in CALLS:
        _counted(monkeypatch, name, simulated)
    scopes = (Scope.ORDERS, Scope.WEBHOOK_ADMIN, Scope.PAYOUTS_READ)
    key = await mint(ctx, partner.organization_id, environment, *scopes)
    async with httpx.AsyncClient(base_url=api_url, verify=NO_AUTHORITIES, timeout=30) as client:
        found = await swept(Sweep(client, key), ctx, fake)
    assert len(found) > 45
    refused = {
        name.partition(" ")[2]
        for name, status in found.items()
        if status >= 400 and not name.partition(" ")[2].startswith(ELSEWHERE)
    }
    assert refused == REFUSED
    # What the worker does with the orders and the refunds that came of it.
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
    await follow_once(ctx)
    for one in Environment:
        await execute_once(ctx, one)
    if environment is Environment.LIVE:
        assert not simulated, simulated
        assert {"quote", "create", "status", "refund"} <= {one.call for one in fake.seen}
    else:
        assert not fake.seen, [one.call for one in fake.seen]
        assert {"limits", "quote", "create_order", "get_order", "refund"} <= simulated.keys()
    await market.close()


def _counted(monkeypatch: pytest.MonkeyPatch, name: str, simulated: Counter[str]) -> None:
    call = getattr(Simulator, name)

    async def counting(*args: Any, **more: Any) -> Any:
        simulated[name] += 1
        return await call(*args, **more)

    monkeypatch.setattr(Simulator, name, counting)
