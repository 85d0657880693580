"""The server of the API row, in a process of its own: ours, or a bare ASGI application.

The bare one does the same database work with the same driver and statements and writes the same
bytes; it has no routing, no authentication, no checks and no address validation.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec
import uvloop

from privata import wiring
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.settings import settings
from privata.orders import create, service, store, wire
from privata.orders.opening.opening import Opened
from privata.providers.port import OrderRequest, SandboxPlan
from privata.providers.registry import SIMULATOR
from privata.serving import listen, serve_app_on, serve_on

_JSON = [(b"content-type", b"application/json")]


class Bare:
    """The same work without a framework."""

    def __init__(self, ctx: AppContext, organization_id: Any) -> None:
        self.ctx = ctx
        self.organization_id = organization_id

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            status, body = 200, await self._get(scope["path"].rsplit("/", 1)[1])
        else:
            message = await receive()
            status, body = 201, await self._create(msgspec.json.decode(message["body"]))
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*_JSON, length]})
        await send({"type": "http.response.body", "body": body})

    async def _get(self, order_id: str) -> bytes:
        row = await store.fetch_order(
            self.ctx.database.pool, order_id, self.organization_id, Environment.TEST
        )
        assert row is not None
        return wire.encode(service.order_of(self.ctx, row))

    async def _create(self, asked: dict[str, str]) -> bytes:
        ctx = self.ctx
        quote = await store.fetch_quote(
            ctx.database.pool, asked["quote_id"], self.organization_id, Environment.TEST, None
        )
        assert quote is not None
        source, target = await create.quoted_assets(ctx, quote)
        now = ctx.clock.now()
        wanted = create.NewOrder(quote_id=quote.id, address=asked["address"])
        request = OrderRequest(
            quote.id, source, target, quote.amount_from, quote.amount_to, "float",
            asked["address"], None, None, None, now, SandboxPlan("success", 3600),
        )  # fmt: skip
        opened = await SIMULATOR.create_order(request)
        actor = Actor(ActorKind.SYSTEM, "bench", "bench", self.organization_id, Environment.TEST)
        simulated = Opened(SIMULATOR.name, SIMULATOR.refunds, quote.amount_to, 0, opened)
        order = create.new_order(actor, wanted, quote, request, simulated)
        return await create.commit_order(ctx, order, None)


async def _main(kind: str, port: int) -> None:
    wiring.wire()
    chosen = settings()
    assert chosen.database_url is not None
    ctx = await AppContext.open(chosen, chosen.database_url)
    listener = listen("127.0.0.1", port)
    print(listener.getsockname()[1], flush=True)
    if kind == "ours":
        await serve_on(listener, ctx, only="api")
        return
    organization = await ctx.database.pool.fetchval("SELECT id FROM organization")
    await serve_app_on(listener, Bare(ctx, organization))


if __name__ == "__main__":
    os.environ.setdefault("PRIVATA_LOG_LEVEL", "warning")
    uvloop.run(_main(sys.argv[1], 0))
