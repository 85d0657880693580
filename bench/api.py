"""The API's GET and create against a bare ASGI application on the same driver and statements.

Each server is a process of its own on a fresh database; the client is the same raw one. The bare
application skips routing, authentication, rate limit, checks and address validation: the ratio is
what those cost. Requests are made on kept connections, each connection one at a time.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from bench.harness import Harness
from bench.load import rate, request
from bench.report import Figure, Ratio, Row, median_of
from privata.apikeys.service import create_key
from privata.core.ids import new_id, new_quote_id
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.infra.settings import Settings

GETS = 6_000
CREATES = 3_000
CONNECTIONS = 32
ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

_PREFIX = "/partner/v1"

#: The buckets are asked and counted for every call; they only hold enough for the bench.
UNLIMITED = {
    "PRIVATA_RATE_READS_PER_MINUTE": "10000000",
    "PRIVATA_RATE_WRITES_PER_MINUTE": "10000000",
}

_QUOTES = """
INSERT INTO quote (id, organization_id, environment, provider, from_asset, from_network, to_asset,
                   to_network, amount_from, amount_to, side, rate_type, expires_at)
SELECT id, $2, 'test', 'simulator', 'BTC', 'BTC', 'ETH', 'ETH', 0.1, 1.99, 'send', 'float',
       now() + interval '1 hour'
FROM unnest($1::text[]) AS q(id)
"""


async def run(harness: Harness) -> Row:
    """Measure both servers, GET and create, each three times."""
    figures = {
        kind: await _measure(harness, kind, label)
        for kind, label in (("bare", "bare ASGI application"), ("ours", "ours"))
    }
    (bare_get, bare_create), (get, create) = figures["bare"], figures["ours"]
    return Row(
        f"API, {GETS:,} GET order and {CREATES:,} create order, {CONNECTIONS} connections",
        [bare_get, get, bare_create, create],
        [
            Ratio("GET order, ours / bare", get.value / bare_get.value, 0.5),
            Ratio("create order, ours / bare", create.value / bare_create.value, 0.45),
        ],
    )


async def _measure(harness: Harness, kind: str, label: str) -> tuple[Figure, Figure]:
    with harness.database() as name:
        url = harness.app_url(name)
        ctx = await AppContext.open(
            Settings(_env_file=None, home=harness.home, database_url=url), url, pool_size=2
        )
        try:
            organization, key = await _partner(ctx)
            async with _server(harness, name, kind) as port:
                await rate(  # warms up, and makes an order to get
                    port,
                    await _creates(ctx, organization, key, 200),
                    connections=CONNECTIONS,
                    expect=201,
                )
                order_id = await ctx.database.pool.fetchval("SELECT id FROM orders LIMIT 1")
                gets = [request("GET", f"{_PREFIX}/order/{order_id}", key=key)] * GETS
                get = await median_of(
                    f"GET order, {label}",
                    "/s",
                    lambda: rate(port, gets, connections=CONNECTIONS, expect=200),
                )

                async def create_all() -> float:
                    calls = await _creates(ctx, organization, key, CREATES)
                    return await rate(port, calls, connections=CONNECTIONS, expect=201)

                return get, await median_of(f"create order, {label}", "/s", create_all)
        finally:
            await ctx.close()


async def _partner(ctx: AppContext) -> tuple[uuid.UUID, str]:
    organization = new_id()
    actor = system_actor(organization, Environment.TEST, "bench")
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(
            "INSERT INTO organization (id, name, status) VALUES ($1, 'Bench', 'approved')",
            organization,
        )
        made = await create_key(tx, ctx, actor=actor, environment=Environment.TEST, name="bench")
    return organization, made.key


async def _creates(ctx: AppContext, organization: uuid.UUID, key: str, count: int) -> list[bytes]:
    ids = [new_quote_id() for _ in range(count)]
    await ctx.database.pool.execute(_QUOTES, ids, organization)
    path = f"{_PREFIX}/order/create?sandbox_ttl=3600"
    return [
        request(
            "POST", path, key=key, body=msgspec.json.encode({"quote_id": one, "address": ADDRESS})
        )
        for one in ids
    ]


@asynccontextmanager
async def _server(harness: Harness, name: str, kind: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.api_server",
        kind,
        env=harness.environment(name) | UNLIMITED,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()
