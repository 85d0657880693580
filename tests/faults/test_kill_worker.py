"""Workers killed in mid-traffic: nothing is lost, little is repeated, the order is kept.

Three ledgers are compared: what was published, what the receiver got, what the database says.
"""

from __future__ import annotations

import random
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from conftest import Cluster, environment_for, wait_for
from privata.core.ids import new_order_id
from privata.core.tenancy import Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.kernel import Kernel
from privata.webhooks.service import create_endpoint

from .programs import RECEIVER, Ledger, free_port, program, stop

KILLS = 20
EVENTS = 2000
PER_ORDER = 4
CONCURRENCY = 32
ANSWER_MS = 20
SEED = 20

SETTINGS = {
    "PRIVATA_DISPATCH_CONCURRENCY": str(CONCURRENCY),
    "PRIVATA_DISPATCH_PER_ENDPOINT": str(CONCURRENCY),
    "PRIVATA_DISPATCH_LEASE_SECONDS": "2",
    "PRIVATA_DELIVERY_TIMEOUT_SECONDS": "1",
}


@pytest.mark.fault
async def test_twenty_kills(
    kernel: Kernel, organization: UUID, cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    env = environment_for(
        tmp_path, cluster.app(database_name), cluster.owner(database_name), **SETTINGS
    )
    # The seals are made by this process and opened by the workers: one key for both.
    env["PRIVATA_HOME"] = str(kernel.settings.home)
    port = free_port()
    _, secret = await create_endpoint(
        kernel,
        actor=system_actor(organization, Environment.TEST, "test"),
        url=f"http://localhost:{port}/hook",
        alias="Orders",
        channel="order",
    )
    with ExitStack() as stack:
        stack.enter_context(program(str(RECEIVER), str(port), secret, str(ANSWER_MS), env=env))
        ledger = Ledger(port)
        await ledger.ready()
        published = await _publish_while_killing(kernel, organization, ledger, stack, env)
        stats = await _drained(kernel, ledger)
        received = ledger.received(stats["received"])
    assert len(published) == EVENTS
    _check_receiver(published, received, stats)
    await _check_database(kernel, received, repeats=stats["duplicates"])


async def _publish_while_killing(
    kernel: Kernel, organization: UUID, ledger: Ledger, stack: ExitStack, env: dict[str, str]
) -> dict[str, bytes]:
    """Publish a share, let some of it arrive, kill a worker; the other one goes on meanwhile."""
    rng = random.Random(SEED)

    def worker() -> subprocess.Popen[bytes]:
        return stack.enter_context(program("-m", "privata", "worker", env=env))

    workers = [worker(), worker()]
    published: dict[str, bytes] = {}
    for number in range(KILLS):
        before = (await ledger.stats())["unique_events"]
        published |= await _publish(kernel, organization, EVENTS // KILLS)
        wanted = before + rng.randint(10, 50)

        async def under_way(wanted: int = wanted) -> bool:
            return bool((await ledger.stats())["unique_events"] >= wanted)

        # That this comes true after every kill is the proof that work goes on.
        await wait_for(under_way, seconds=60)
        stop(workers[number % 2], signal.SIGKILL)
        workers[number % 2] = worker()
    return published


async def _publish(kernel: Kernel, organization: UUID, number: int) -> dict[str, bytes]:
    published = {}
    async with kernel.database.transaction() as tx:
        for _ in range(number // PER_ORDER):
            order_id = new_order_id()
            events = [_event(order_id, seq) for seq in range(1, PER_ORDER + 1)]
            await publish(
                tx,
                organization_id=organization,
                environment=Environment.TEST,
                channel="order",
                order_id=order_id,
                events=events,
            )
            published |= {event.event_id: event.body for event in events}
    return published


def _event(order_id: str, seq: int) -> NewEvent:
    body = b'{"event":"order.confirming","order":{"order_id":"%b"},"seq":%d}' % (
        order_id.encode(),
        seq,
    )
    return NewEvent(f"{order_id}:step_{seq}:1760000000000", "order.confirming", body, seq)


async def _drained(kernel: Kernel, ledger: Ledger) -> dict[str, Any]:
    async def nothing_pending() -> bool:
        return not await kernel.database.pool.fetchval(
            "SELECT EXISTS (SELECT FROM webhook_delivery WHERE status = 'pending')"
        )

    await wait_for(nothing_pending, seconds=60)
    return await ledger.stats()


def _check_receiver(
    published: dict[str, bytes], received: list[dict[str, Any]], stats: dict[str, Any]
) -> None:
    got = {one["event_id"] for one in received}
    assert got == set(published), "an event was lost, or one came that was never published"
    assert all(one["verified"] for one in received)
    assert all(one["body"].encode() == published[one["event_id"]] for one in received)
    assert (stats["changed"], stats["out_of_order"]) == (0, 0)
    firsts: dict[str, list[int]] = {}
    for one in received:
        if not one["duplicate"]:
            firsts.setdefault(one["order_id"], []).append(one["seq"])
    whole = list(range(1, PER_ORDER + 1))
    assert all(seqs == whole for seqs in firsts.values()), "the first receipts of an order mixed up"


async def _check_database(kernel: Kernel, received: list[dict[str, Any]], *, repeats: int) -> None:
    """Each lease that was settled has its attempt; those without one died with a worker."""
    row = await kernel.database.pool.fetchrow(
        "SELECT count(*) FILTER (WHERE status = 'delivered') AS delivered,"
        " sum(lease_token)::int AS leases, (SELECT count(*) FROM webhook_attempt) AS attempts"
        " FROM webhook_delivery"
    )
    assert row is not None
    assert row["delivered"] == EVENTS
    in_flight_at_kills = row["leases"] - row["attempts"]
    print(f"{repeats} repeats, {in_flight_at_kills} sends in flight at {KILLS} kills")
    assert repeats <= in_flight_at_kills <= KILLS * CONCURRENCY
    assert in_flight_at_kills > 0, "no kill hit a send: the test has no teeth"
    settled = Counter(
        str(one["delivery_id"])
        for one in await kernel.database.pool.fetch("SELECT delivery_id FROM webhook_attempt")
    )
    arrived = Counter(one["delivery_id"] for one in received)
    assert all(arrived[delivery] >= times for delivery, times in settled.items())
