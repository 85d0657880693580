"""Our own way out is cut for ten minutes: no endpoint is charged for it, nothing is lost."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from conftest import wait_for
from privata.webhooks.engine.dispatcher import Dispatcher
from privata.webhooks.tests.deliveries import EVERY_ATTEMPT, make_due
from privata.webhooks.transport.reachability import ReachabilityCheck
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.routes import Routes, family_of
from privata.webhooks.transport.transport import Transport

from .harness import Harness

#: More rounds than the engine makes in ten minutes.
ROUNDS = 100
DEADLINE_S = 0.5


#: Whether anything is being sent or will be at the next look: what is due, unless an earlier event
#: of its order waits.
_UNDER_WAY = """
SELECT EXISTS (
    SELECT FROM webhook_due AS d
    WHERE d.leased_until IS NOT NULL OR d.due_at <= now() AND NOT EXISTS (
        SELECT FROM webhook_due AS head
        WHERE head.endpoint_id = d.endpoint_id AND head.order_id = d.order_id
          AND head.event_seq < d.event_seq))
"""


class Network:
    """The network of this loop; while it is gone every new connection ends in `how`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
        self.gone = False
        self._how = how
        loop = asyncio.get_running_loop()
        connect = loop.create_connection

        async def connected(factory: Any, host: str, *rest: Any, **more: Any) -> Any:
            if host == "::1":
                raise OSError(errno.ENETUNREACH, "this machine speaks IPv4 only")
            if self.gone:
                await self._fail()
            return await connect(factory, host, *rest, **more)

        monkeypatch.setattr(loop, "create_connection", connected)

    def look_up_route(self, address: str) -> None:
        """What the routing table says: no IPv6, and nothing at all when the interface is down."""
        if family_of(address) == 6 or (self.gone and self._how == "unreachable"):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    async def _fail(self) -> None:
        if self._how == "unreachable":
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        await asyncio.Event().wait()


@asynccontextmanager
async def _dispatching(harness: Harness, network: Network, *, idle_s: float) -> AsyncIterator[None]:
    """A dispatcher that has heard another receiver before, so it has a reference host to ask."""
    resolver = Resolver()
    reachability = ReachabilityCheck()
    reachability.heard(("127.0.0.2", harness.port), asyncio.get_running_loop().time())
    routes = Routes(network.look_up_route)
    transport = Transport(resolver, idle_seconds=idle_s, network=reachability, routes=routes)
    ctx = harness.tuned(delivery_timeout_seconds=DEADLINE_S)
    task = asyncio.create_task(Dispatcher(ctx, transport).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await transport.aclose()
        await resolver.aclose()


async def _ours(harness: Harness) -> int:
    """How many attempts failed through our own fault."""
    found: int = await harness.ctx.database.pool.fetchval(
        f"SELECT count(*) FROM {EVERY_ATTEMPT} WHERE outcome = 'internal'"
    )
    return found


@pytest.mark.parametrize(
    ("how", "idle_s"), [("unreachable", 0.0), ("silence", 0.0), ("silence on kept ones too", 30.0)]
)
async def test_ten_minutes_without_a_network(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, how: str, idle_s: float
) -> None:
    """`idle_s` 0 keeps no connection, so each send has to find the network anew."""
    network = Network(monkeypatch, how)
    hooks = [await harness.hook(name) for name in ("a", "b")]
    async with _dispatching(harness, network, idle_s=idle_s):
        for hook in hooks:
            await harness.publish(hook, 8)
        await harness.drained()
        network.gone = True
        for hook in hooks:
            await harness.behave(hook.name, silent=True)
            await harness.publish(hook, 8)
        for _ in range(ROUNDS if how == "unreachable" else 4):
            before = await _ours(harness)

            async def failed(before: int = before) -> bool:
                # What was in flight at one look waits, by the next, longer than this test would.
                await make_due(harness.ctx)
                return await _ours(harness) > before

            await wait_for(failed)

        async def at_rest() -> bool:
            # What is judged while the network comes back may find it there: nothing is being sent,
            # and nothing is about to be claimed.
            return not await harness.ctx.database.pool.fetchval(_UNDER_WAY)

        await wait_for(at_rest)
        for hook in hooks:
            await harness.behave(hook.name, silent=False)
        network.gone = False
        await _drained_by_jumping(harness)
    row = await harness.ctx.database.pool.fetchrow(
        "SELECT max(attempts) AS spent, (SELECT count(*) FROM webhook_endpoint"
        " WHERE status <> 'active') AS paused FROM webhook_every_delivery"
    )
    assert row is not None
    assert tuple(row) == (1, 0), "our network was charged to partners"
    ledgers = await harness.ledgers()
    ledgers.check(repeats_at_most=0)
    ledgers.firsts_in_order()


async def _drained_by_jumping(harness: Harness) -> None:
    """Wait until nothing is pending, skipping the waits of the engine."""

    async def done() -> bool:
        await make_due(harness.ctx)
        await asyncio.sleep(0.05)
        return not await harness.ctx.database.pool.fetchval(
            "SELECT EXISTS (SELECT FROM webhook_due)"
        )

    await wait_for(done, seconds=60)
