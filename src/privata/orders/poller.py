"""Following orders: asking each provider when its order is due, and applying what it says.

Many workers may follow at once: an order is claimed by moving its `poll_at` to the end of a lease,
so a worker that dies gives its orders back by time.
"""

from __future__ import annotations

import asyncio
import logging

from privata.core.errors import ProviderError
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.infra.postgres import listening
from privata.orders import store
from privata.orders.service import ORDERS_BELL, advance
from privata.providers.port import OrderSnapshot, SandboxPlan
from privata.providers.registry import provider_named

log = logging.getLogger(__name__)

#: Orders claimed at once, and how many of them are asked about side by side.
BATCH = 50
SIDE_BY_SIDE = 8

#: How long a claimed order stays out of others' sight, seconds.
LEASE_S = 30.0

#: How long a provider may take to say where an order stands, seconds.
PROVIDER_DEADLINE_S = 10.0

#: The slowest poll: a net for a lost bell, seconds.
NET_S = 1.0


async def follow_orders(kernel: Kernel) -> None:
    """Follow every open order until cancelled."""
    async with listening(kernel.database.url, ORDERS_BELL) as bells:
        while True:
            busy = await follow_once(kernel)
            if busy:
                continue
            wait = await store.seconds_to_next_poll(kernel.database.pool)
            await _sleep(NET_S if wait is None else min(NET_S, max(wait, 0.0)), bells)


async def follow_once(kernel: Kernel) -> int:
    """Ask about every order that is due, up to a batch; how many there were."""
    due = await store.claim_polls(kernel.database.pool, BATCH, LEASE_S)
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(row: store.Row) -> None:
        async with slots:
            await _follow(kernel, row)

    await asyncio.gather(*(one(row) for row in due))
    return len(due)


async def _follow(kernel: Kernel, row: store.Row) -> None:
    now = kernel.clock.now()
    order = OrderSnapshot(
        provider_order_id=row["provider_order_id"],
        seed=row["quote_id"],
        status=OrderStatus(row["status"]),
        amount_to_expected=row["amount_to_expected"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        sandbox=_plan(row),
    )
    try:
        async with asyncio.timeout(PROVIDER_DEADLINE_S):
            report = await provider_named(row["provider"]).get_order(order, now)
    except (ProviderError, TimeoutError, KeyError) as error:
        # The lease runs out and the order is asked about again; nothing is concluded from silence.
        log.warning("order %s: %s does not report: %s", row["id"], row["provider"], error)
        return
    await advance(kernel, order_id=row["id"], report=report, source="provider")


def _plan(row: store.Row) -> SandboxPlan | None:
    if row["environment"] != Environment.TEST.value:
        return None
    return SandboxPlan(row["sandbox_scenario"], row["sandbox_ttl"])


async def _sleep(seconds: float, bells: asyncio.Queue[str | None]) -> None:
    """Until the time is up or a bell rings; bells that rang meanwhile are one bell."""
    try:
        async with asyncio.timeout(seconds):
            bell = await bells.get()
    except TimeoutError:
        return
    while not bells.empty():
        bell = bells.get_nowait() if bell is not None else bell
        if bell is None:
            break
    if bell is None:
        raise ConnectionError("the bell's connection to the database was lost")
