"""Faults of ours cost no attempt and count toward no pause: DNS, the network, a bug.

The endpoint has 49 failures, so that a single one more that counted would pause it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from uuid import UUID

import pytest

from conftest import wait_for
from privata.core.tenancy import Environment
from privata.events.service import NewEvent
from privata.infra.kernel import Kernel
from privata.webhooks.dispatcher import Dispatcher
from privata.webhooks.ops_events import publish_ops
from privata.webhooks.resolver import Resolver
from privata.webhooks.service import create_endpoint
from privata.webhooks.tests.deliveries import (
    actor_of,
    count,
    endpoint,
    endpoint_row,
    ops_told,
    publish_order,
)
from privata.webhooks.tests.receivers import Names, system_roots
from privata.webhooks.tests.test_witness import _nobody, silent_port
from privata.webhooks.transport import Transport
from privata.webhooks.witness import NetworkWitness

__all__ = ["silent_port"]

HOST = "hooks.acme.com"
SILENT_WITNESS = ("192.0.2.1", 443)


@asynccontextmanager
async def delivering(
    kernel: Kernel, names: Names, network: NetworkWitness | None = None
) -> AsyncIterator[None]:
    """A dispatcher whose names and network are these."""
    resolver = Resolver(lookup=names, witnesses=["witness.example"])
    transport = Transport(resolver, network=network, ssl_context=system_roots())
    task = asyncio.create_task(Dispatcher(kernel, transport).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await transport.aclose()
        await resolver.aclose()


async def nearly_paused(kernel: Kernel) -> None:
    await kernel.database.pool.execute(
        "UPDATE webhook_endpoint SET failures = array_fill(now(), ARRAY[49])"
    )


async def assert_not_charged(kernel: Kernel, endpoint_id: UUID) -> None:
    async def judged() -> bool:
        return await count(kernel, "last_outcome = 'internal' AND NOT in_flight") == 1

    await wait_for(judged)
    assert await count(kernel, "attempts = 0 AND first_attempt_at IS NULL") == 1
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 49)


async def test_a_resolver_that_is_down(kernel: Kernel, organization: UUID) -> None:
    down = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    names = Names({HOST: ["93.184.216.34"], "witness.example": down})
    endpoint_id, _ = await create_endpoint(
        kernel,
        actor=actor_of(organization),
        url=f"https://{HOST}/",
        alias="A",
        channel="order",
        lookup=names,
    )
    names.table[HOST] = down
    await nearly_paused(kernel)
    await publish_order(kernel, organization)
    async with delivering(kernel, names):
        await assert_not_charged(kernel, endpoint_id)


async def test_a_network_that_is_gone(kernel: Kernel, organization: UUID, silent_port: int) -> None:
    """Nobody answers the connection, and nobody who answered before does now."""
    network = NetworkWitness(_nobody)
    network.heard(SILENT_WITNESS, 0.0)
    names = Names({HOST: ["127.0.0.1"]})
    changes = {
        "delivery_timeout_seconds": 0.3,
        "outbound_allowed_cidrs": ["127.0.0.1/32"],
        "outbound_extra_ports": [str(silent_port)],
    }
    kernel = replace(kernel, settings=kernel.settings.model_copy(update=changes))
    endpoint_id, _ = await create_endpoint(
        kernel,
        actor=actor_of(organization),
        url=f"https://{HOST}:{silent_port}/",
        alias="A",
        channel="order",
        lookup=names,
    )
    await nearly_paused(kernel)
    await publish_order(kernel, organization)
    async with delivering(kernel, names, network):
        await assert_not_charged(kernel, endpoint_id)


async def test_a_body_that_cannot_be_shaped(
    kernel: Kernel, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint_id, _ = await create_endpoint(
        kernel, actor=actor_of(organization), url="http://localhost:1/", alias="A", channel="ops"
    )
    await kernel.database.pool.execute("UPDATE webhook_endpoint SET dialect = 'slack'")
    await nearly_paused(kernel)
    async with kernel.database.transaction() as tx:
        await publish_ops(
            tx,
            organization_id=organization,
            environment=Environment.TEST,
            event=NewEvent("ops-1", "payout_sent", b"no JSON"),
        )
    async with delivering(kernel, Names({})):
        await assert_not_charged(kernel, endpoint_id)
    assert "cannot be signed" in caplog.text


async def test_a_bug_leaves_the_delivery_to_its_lease(
    kernel: Kernel, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """A schedule that nobody could have entered breaks the sender in the middle."""
    endpoint_id, _ = await endpoint(kernel, organization)
    await kernel.database.pool.execute("UPDATE webhook_endpoint SET schedule_s = '{5,5}'")
    await nearly_paused(kernel)
    await publish_order(kernel, organization)
    async with delivering(kernel, Names({})):

        async def logged() -> bool:
            return "failed on our side" in caplog.text

        await wait_for(logged)
    assert await count(kernel, "attempts = 0 AND in_flight AND due_at > now()") == 1
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 49)
    assert await ops_told(kernel) == []
