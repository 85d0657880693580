"""Faults of ours cost no attempt and count toward no pause: DNS, the network, a bug.

The endpoint has 49 failures, so that a single one more that counted would pause it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from conftest import wait_for
from privata.core.tenancy import Environment
from privata.events.ops_events import publish_ops
from privata.events.service import DELIVERIES_WAKEUP, NewEvent
from privata.infra.context import AppContext
from privata.webhooks.deliveries.waiting_for_us import waiting_for_us
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.engine.dispatcher import Dispatcher
from privata.webhooks.tests.deliveries import (
    actor_of,
    count,
    endpoint,
    endpoint_row,
    ops_told,
    publish_order,
)
from privata.webhooks.tests.receivers import Names, system_roots
from privata.webhooks.transport.reachability import ReachabilityCheck
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.routes import Routes, family_of
from privata.webhooks.transport.tests.test_reachability import _nobody, silent_port
from privata.webhooks.transport.transport import Transport

__all__ = ["silent_port"]

HOST = "hooks.acme.com"
SILENT_REFERENCE = ("192.0.2.1", 443)


@asynccontextmanager
async def delivering(
    ctx: AppContext,
    names: Names,
    network: ReachabilityCheck | None = None,
    routes: Routes | None = None,
) -> AsyncIterator[None]:
    """A dispatcher whose names and network are these."""
    resolver = Resolver(lookup=names, references=["reference.example"])
    transport = Transport(resolver, network=network, routes=routes, ssl_context=system_roots())
    task = asyncio.create_task(Dispatcher(ctx, transport).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await transport.aclose()
        await resolver.aclose()


async def nearly_paused(ctx: AppContext) -> None:
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET failures = array_fill(now(), ARRAY[49])"
    )


async def assert_not_charged(ctx: AppContext, endpoint_id: UUID) -> None:
    async def judged() -> bool:
        return await count(ctx, "last_outcome = 'internal' AND NOT in_flight") == 1

    await wait_for(judged)
    assert await count(ctx, "attempts = 0 AND first_attempt_at IS NULL") == 1
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 49)


async def test_a_resolver_that_is_down(ctx: AppContext, organization: UUID) -> None:
    down = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    names = Names({HOST: ["93.184.216.34"], "reference.example": down})
    endpoint_id, _ = await create_endpoint(
        ctx,
        actor=actor_of(organization),
        url=f"https://{HOST}/",
        alias="A",
        channel="order",
        lookup=names,
    )
    names.table[HOST] = down
    await nearly_paused(ctx)
    await publish_order(ctx, organization)
    async with delivering(ctx, names):
        await assert_not_charged(ctx, endpoint_id)


async def test_a_network_that_is_gone(
    ctx: AppContext, organization: UUID, silent_port: int
) -> None:
    """Nobody answers the connection, and nobody who answered before does now."""
    network = ReachabilityCheck(_nobody)
    network.heard(SILENT_REFERENCE, 0.0)
    names = Names({HOST: ["127.0.0.1"]})
    changes = {
        "delivery_timeout_seconds": 0.3,
        "outbound_allowed_cidrs": ["127.0.0.1/32"],
        "outbound_extra_ports": [str(silent_port)],
    }
    ctx = replace(ctx, settings=ctx.settings.model_copy(update=changes))
    endpoint_id, _ = await create_endpoint(
        ctx,
        actor=actor_of(organization),
        url=f"https://{HOST}:{silent_port}/",
        alias="A",
        channel="order",
        lookup=names,
    )
    await nearly_paused(ctx)
    await publish_order(ctx, organization)
    async with delivering(ctx, names, network):
        await assert_not_charged(ctx, endpoint_id)


async def test_a_host_without_ipv6_and_an_endpoint_with_nothing_else(
    ctx: AppContext,
    organization: UUID,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Tried every 5 s without end: now it waits longer each time, is seen, and goes on at once
    when there is a way. What the network does is injected, below the transport.
    """
    routed: set[int] = {4}

    def look_up(address: str) -> None:
        if family_of(address) not in routed:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def connected(factory: Any, host: str, *rest: Any, **more: Any) -> Any:
        if family_of(host) == 4:
            return await connect(factory, host, *rest, **more)
        look_up(host)
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    monkeypatch.setattr(loop, "create_connection", connected)
    monkeypatch.setattr("privata.webhooks.engine.dispatcher.LOOK_EVERY_S", 0.05)
    names = Names({HOST: ["2606:2800:21f::1"], "reference.example": ["93.184.216.34"]})
    endpoint_id, _ = await create_endpoint(
        ctx,
        actor=actor_of(organization),
        url=f"https://{HOST}/",
        alias="A",
        channel="order",
        lookup=names,
    )
    await nearly_paused(ctx)
    await publish_order(ctx, organization)
    async with delivering(ctx, names, routes=Routes(look_up)):
        await assert_not_charged(ctx, endpoint_id)
        waiting = await waiting_for_us(ctx)
        assert waiting is not None
        assert (waiting.deliveries, waiting.endpoints, waiting.organizations) == (1, 1, 1)
        assert "We cannot reach IPv6 addresses" in waiting.why
        assert "OUR FAULT" in caplog.text
        await ctx.database.pool.execute("UPDATE webhook_due SET due_at = now() + interval '1 hour'")
        routed.add(6)

        async def tried_again() -> bool:
            return await count(ctx, "last_outcome = 'connection' AND attempts = 1") == 1

        await wait_for(tried_again)
    assert await waiting_for_us(ctx) is None
    assert "ipv6 works again" in caplog.text


async def test_each_fault_of_ours_doubles_the_wait(ctx: AppContext, organization: UUID) -> None:
    down = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    names = Names({HOST: ["93.184.216.34"]})
    endpoint_id, _ = await create_endpoint(
        ctx,
        actor=actor_of(organization),
        url=f"https://{HOST}/",
        alias="A",
        channel="order",
        lookup=names,
    )
    names.table[HOST] = down
    await nearly_paused(ctx)
    await publish_order(ctx, organization)
    waits = []
    async with delivering(ctx, Names(names.table | {"reference.example": down})):
        for made in range(1, 5):

            async def failed(made: int = made) -> bool:
                return await count(ctx, f"lease_token = {made} AND NOT in_flight") == 1

            await wait_for(failed)
            await assert_not_charged(ctx, endpoint_id)
            row = await ctx.database.pool.fetchrow(
                "UPDATE webhook_due AS d SET due_at = now() FROM webhook_due AS old"
                " WHERE old.id = d.id RETURNING old.due_at - old.last_attempt_at AS wait"
            )
            assert row is not None
            waits.append(row["wait"].total_seconds())
            await ctx.database.pool.execute(f"NOTIFY {DELIVERIES_WAKEUP}")
    for doublings, waited in enumerate(waits):
        assert waited >= 5 * 2**doublings


async def test_a_body_that_cannot_be_shaped(
    ctx: AppContext, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint_id, _ = await create_endpoint(
        ctx, actor=actor_of(organization), url="http://localhost:1/", alias="A", channel="ops"
    )
    await ctx.database.pool.execute("UPDATE webhook_endpoint SET dialect = 'slack'")
    await nearly_paused(ctx)
    async with ctx.database.transaction() as tx:
        await publish_ops(
            tx,
            organization_id=organization,
            environment=Environment.TEST,
            event=NewEvent("ops-1", "payout_sent", b"no JSON"),
        )
    async with delivering(ctx, Names({})):
        await assert_not_charged(ctx, endpoint_id)
    assert "cannot be signed" in caplog.text


async def test_a_bug_leaves_the_delivery_to_its_lease(
    ctx: AppContext, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """A schedule that nobody could have entered breaks the sender in the middle."""
    endpoint_id, _ = await endpoint(ctx, organization)
    await ctx.database.pool.execute("UPDATE webhook_endpoint SET schedule_s = '{5,5}'")
    await nearly_paused(ctx)
    await publish_order(ctx, organization)
    async with delivering(ctx, Names({})):

        async def logged() -> bool:
            return "failed on our side" in caplog.text

        await wait_for(logged)
    assert await count(ctx, "attempts = 0 AND leased_until > now()") == 1
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 49)
    assert await ops_told(ctx) == []
