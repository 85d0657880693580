"""The whole delivery pipeline against its own parts, on one dispatcher.

Claim, sign, POST 1 KB, record; against the same transport without a database, and against bare
sockets that only POST the same bodies to the same sink, a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

from bench.bare import post_all
from bench.harness import Harness
from bench.report import Ratio, Row, median_of
from bench.sink import sink_process
from privata.core.ids import new_id, new_order_id
from privata.core.tenancy import Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.engine.jobs import dispatch
from privata.webhooks.outcomes import Outcome
from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import OutboundRequest, Transport

EVENTS = 12_000
PER_ORDER = 4
ENDPOINTS = 8
IN_FLIGHT = 256
CONNECTIONS = 64
BODY_BYTES = 1024


async def run(harness: Harness) -> Row:
    """Measure the three one after the other, each three times."""
    bodies = [_body(new_order_id(), 1) for _ in range(EVENTS)]
    async with sink_process() as port:
        bare = await median_of("bare sockets, POST only", "/s", lambda: _bare(port, bodies))
        client = await median_of("our transport, POST only", "/s", lambda: _client(port, bodies))
        whole = await median_of(
            "whole pipeline: claim, sign, POST, record", "/s", lambda: _pipeline(harness, port)
        )
    return Row(
        f"Delivery, {EVENTS:,} events of 1 KB to {ENDPOINTS} endpoints, one dispatcher",
        [bare, client, whole],
        [
            Ratio("pipeline / bare sockets", whole.value / bare.value, 0.5),
            Ratio("pipeline / our transport", whole.value / client.value, 0.7),
            Ratio("our transport / bare sockets", client.value / bare.value),
        ],
    )


async def _bare(port: int, bodies: list[bytes]) -> float:
    started = time.perf_counter()
    await post_all(port, bodies, CONNECTIONS)
    return len(bodies) / (time.perf_counter() - started)


async def _client(port: int, bodies: list[bytes]) -> float:
    policy = Policy(allow_localhost_http=True)
    resolver = Resolver()
    transport = Transport(resolver)
    waiting = iter(bodies)

    async def send_some() -> None:
        for body in waiting:
            headers = [("Content-Type", "application/json"), ("X-Privata-Attempt", "1")]
            request = OutboundRequest(f"http://localhost:{port}/hook", headers, body, policy)
            result = await transport.send(request)
            if result.outcome is not Outcome.DELIVERED:
                raise RuntimeError(f"the sink failed: {result}")

    started = time.perf_counter()
    await asyncio.gather(*(send_some() for _ in range(CONNECTIONS)))
    took = time.perf_counter() - started
    await transport.aclose()
    await resolver.aclose()
    return len(bodies) / took


async def _pipeline(harness: Harness, port: int) -> float:
    options = {"dispatch_concurrency": IN_FLIGHT, "dispatch_per_endpoint": IN_FLIGHT // 4}
    async with harness.app_context(**options) as ctx:
        await _fill(ctx, port)
        started = await ctx.database.pool.fetchval("SELECT now()")
        task = asyncio.create_task(dispatch(ctx))
        try:
            while await ctx.database.pool.fetchval("SELECT EXISTS (SELECT FROM webhook_due)"):
                await asyncio.sleep(0.1)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        row = await ctx.database.pool.fetchrow(
            "SELECT count(*) AS n, max(delivered_at) AS ended FROM webhook_delivery"
            " WHERE status = 'delivered' AND attempts = 1"
        )
        assert row is not None
        if row["n"] != EVENTS:
            raise RuntimeError(f"{row['n']} of {EVENTS} events were delivered at once")
        return float(EVENTS / (row["ended"] - started).total_seconds())


async def _fill(ctx: AppContext, port: int) -> None:
    """Events of orders, spread over the endpoints, each order an ordering key."""
    for number in range(ENDPOINTS):
        organization_id = new_id()
        await ctx.database.pool.execute(
            "INSERT INTO organization (id, name, status) VALUES ($1, 'Bench', 'approved')",
            organization_id,
        )
        await create_endpoint(
            ctx,
            actor=system_actor(organization_id, Environment.TEST, "bench"),
            url=f"http://localhost:{port}/hook/{number}",
            alias="Sink",
            channel="order",
        )
        async with ctx.database.transaction() as tx:
            for _ in range(EVENTS // ENDPOINTS // PER_ORDER):
                order_id = new_order_id()
                events = [
                    NewEvent(f"{order_id}:{seq}", "order.confirming", _body(order_id, seq), seq)
                    for seq in range(1, PER_ORDER + 1)
                ]
                await publish(
                    tx,
                    organization_id=organization_id,
                    environment=Environment.TEST,
                    channel="order",
                    order_id=order_id,
                    events=events,
                )


def _body(order_id: str, seq: int) -> bytes:
    payload = {"event": "order.confirming", "order": {"order_id": order_id}, "seq": seq, "fill": ""}
    payload["fill"] = "x" * (BODY_BYTES - len(json.dumps(payload)))
    return json.dumps(payload).encode()
