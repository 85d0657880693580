"""A running API for the stories told over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from privata.apikeys import service as apikeys
from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.serving import listen, serve_on
from tests.canaries import plant
from tests.contracts.recorder import contract
from tests.loopback import NO_AUTHORITIES

#: Addresses everybody knows: the genesis block's, and those of the BIP-173 and EIP-55 texts.
ADDRESSES = {
    "BTC": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "ETH": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "ERC20": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
}


@dataclass
class Partner:
    """A partner's view of the API: a client and its keys."""

    client: httpx.AsyncClient
    ctx: AppContext
    organization_id: uuid.UUID
    test_key: str
    live_key: str

    async def get(self, path: str, *, key: str | None = "", **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query, headers=self._key(key))

    async def quote(self, **changes: Any) -> dict[str, Any]:
        query = {"from": "BTC", "to": "ETH", "amount": "0.1"} | changes
        answer = await self.get("/estimate", **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def post(
        self, path: str, body: Any, *, key: str | None = "", headers: Any = None, **query: Any
    ) -> httpx.Response:
        return await self.client.post(
            path, json=body, params=query, headers=self._key(key) | (headers or {})
        )

    async def create(self, *, headers: Any = None, **changes: Any) -> httpx.Response:
        body: dict[str, Any] = {"address": ADDRESSES["ETH"]} | changes
        if "quote_id" not in body:
            body["quote_id"] = (await self.quote())["quote_id"]
        return await self.post("/order/create", body, headers=headers)

    def _key(self, key: str | None) -> dict[str, str]:
        return {} if key is None else {"X-API-Key": key or self.test_key}


@pytest.fixture
async def api_url(ctx: AppContext) -> AsyncIterator[str]:
    """The API on a free port of this machine."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve_on(listener, ctx, only="api"))
    yield f"http://127.0.0.1:{port}"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def mint(
    ctx: AppContext, organization_id: uuid.UUID, environment: Environment, *scopes: Scope
) -> str:
    """A key of the organization."""
    actor = system_actor(organization_id, environment, "tests")
    async with ctx.database.transaction() as tx:
        made = await apikeys.create_key(
            tx,
            ctx,
            actor=actor,
            environment=environment,
            name="test",
            scopes=scopes or (Scope.ORDERS,),
        )
    return plant(made.key)


@pytest.fixture
async def partner(ctx: AppContext, organization: uuid.UUID, api_url: str) -> AsyncIterator[Partner]:
    test_key = await mint(ctx, organization, Environment.TEST)
    live_key = await mint(ctx, organization, Environment.LIVE)
    async with httpx.AsyncClient(
        base_url=f"{api_url}/partner/v1",
        timeout=30,
        verify=NO_AUTHORITIES,
        event_hooks={"response": [contract().hook]},
    ) as client:
        yield Partner(client, ctx, organization, test_key, live_key)
