"""A worker that stood still past its leases: what it writes afterwards changes nothing."""

from __future__ import annotations

import signal
from typing import Any

import asyncpg

from conftest import wait_for
from privata.webhooks.engine.shares import LIVE_RESERVE, reserve

from .conftest import Scale
from .harness import CONCURRENCY, Harness

#: The sends of the test environment that a worker has under way at most.
SENDS = CONCURRENCY - reserve(CONCURRENCY, LIVE_RESERVE)

_STATE = """
SELECT id, status, attempts, lease_token, leased_until, due_at, last_attempt_at, last_outcome,
       last_status_code, delivered_at
FROM webhook_every_delivery ORDER BY id
"""


async def _state(harness: Harness) -> list[tuple[Any, ...]]:
    found: list[asyncpg.Record] = await harness.ctx.database.pool.fetch(_STATE)
    return [tuple(row) for row in found]


async def test_a_stale_record_changes_nothing(harness: Harness, scale: Scale) -> None:
    """Every send of the first worker is under way when it is stopped; another one delivers all."""
    rounds = scale(1, 7)
    # Of an organization each: no single one may take all slots.
    hooks = [await harness.hook(f"orders{number}") for number in range(SENDS)]
    for number in range(1, rounds + 1):
        for hook in hooks:
            await harness.behave(hook.name, silent=True)
            await harness.publish(hook, 1, per_order=1)
        zombie = harness.worker()

        async def all_under_way(wanted: int = (2 * number - 1) * SENDS) -> bool:
            return len(harness.received()) == wanted

        await wait_for(all_under_way)
        zombie.send_signal(signal.SIGSTOP)
        for hook in hooks:
            await harness.behave(hook.name, silent=False)
        healthy = harness.worker()
        await harness.drained()
        before = await _state(harness)
        zombie.send_signal(signal.SIGCONT)

        async def all_stale_noted(wanted: int = number * SENDS) -> bool:
            count = await harness.ctx.database.pool.fetchval(
                "SELECT count(*) FROM webhook_attempt WHERE stale"
            )
            return bool(count == wanted)

        await wait_for(all_stale_noted)
        assert await _state(harness) == before
        for worker in (zombie, healthy):
            worker.terminate()
            worker.wait(timeout=30)
    ledgers = await harness.ledgers()
    assert {one.status for one in ledgers.stored} == {"delivered"}
    assert {one.spent for one in ledgers.stored} == {1}
    ledgers.check(repeats_at_most=0)
