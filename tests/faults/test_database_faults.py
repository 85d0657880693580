"""The database restarts, hangs and cuts connections in mid-traffic; the programs are not restarted.

On a server of its own, because what is broken here is the server; and on a durable one, because
what it has acknowledged has to be there afterwards.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import psycopg
import pytest

from conftest import Cluster, running_cluster, wait_for
from privata.infra import embedded
from privata.infra.embedded import layout, postmaster
from tests.loopback import NO_AUTHORITIES

from .conftest import Scale
from .harness import Harness, Hook
from .programs import free_port, program

SEED = 7

#: What a caller of ours sees when the database goes away in the middle; it tries again later.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


@pytest.fixture(scope="module")
def cluster(home: Path) -> Iterator[Cluster]:
    with running_cluster(home, fast=False) as made:
        yield made


def _data(home: Path) -> Path:
    return layout.root_of(layout.control_of(home.resolve())) / "data"


@contextmanager
def _frozen(home: Path) -> Iterator[None]:
    """Every process of the server stands still."""
    master, children = postmaster.processes(_data(home))
    stopped = master + children
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def _publishing(harness: Harness, hook: Hook, until: asyncio.Event) -> None:
    """A partner's orders go on all the time; one that fails is not tried again."""
    while not until.is_set():
        with suppress(*AWAY):
            await harness.publish(hook, 8)
        await asyncio.sleep(0.02)


async def _check(harness: Harness) -> None:
    await harness.drained(seconds=120)
    ledgers = await harness.ledgers()
    print(f"{len(ledgers.published)} events, {len(ledgers.unsure)} in doubt, "
          f"{ledgers.lost_leases} leases lost, {ledgers.repeats} repeats")  # fmt: skip
    # A record whose answer was lost is written again, so a lost connection repeats nothing.
    ledgers.check()
    ledgers.firsts_in_order()


@contextmanager
def _traffic(harness: Harness, hook: Hook) -> Iterator[asyncio.Event]:
    over = asyncio.Event()
    task = asyncio.create_task(_publishing(harness, hook, over))
    try:
        yield over
    finally:
        if not over.is_set():
            task.cancel()


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL], ids=["immediate", "killed"])
async def test_restarts(harness: Harness, home: Path, scale: Scale, how: signal.Signals) -> None:
    crashes = scale(2, 30)
    hook = await harness.hook("orders", delay_s=0.01)
    harness.worker()
    with _traffic(harness, hook) as over:
        for _ in range(crashes):
            before = harness.accepted()
            await harness.accepts(before + 20)  # healthy again, by itself, after each restart
            found = postmaster.read(_data(home))
            assert found is not None
            os.kill(found.pid, how)
            server = await asyncio.to_thread(embedded.acquire, home)
            server.release()
        before = harness.accepted()
        await harness.accepts(before + 20)
        over.set()
    await _check(harness)


async def test_connections_are_cut(
    harness: Harness, cluster: Cluster, database_name: str, scale: Scale
) -> None:
    rng = random.Random(SEED)
    hook = await harness.hook("orders", delay_s=0.01)
    harness.worker()
    await harness.publish(hook, 8)
    await harness.accepts(8)
    cut = 0
    with _traffic(harness, hook) as over, psycopg.connect(cluster.admin_url, autocommit=True) as db:
        for _ in range(scale(25, 500)):
            pids = [
                row[0]
                for row in db.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s", [database_name]
                )
            ]
            if pids:
                db.execute("SELECT pg_terminate_backend(%s)", [rng.choice(pids)])
                cut += 1
            await asyncio.sleep(0.2)
        before = harness.accepted()
        await harness.accepts(before + 8)
        over.set()
    assert cut > 0
    await _check(harness)


async def test_hangs(harness: Harness, home: Path, scale: Scale) -> None:
    """Every process of the server stands still, longer than the leases."""
    hook = await harness.hook("orders", delay_s=0.01)
    harness.worker()
    with _traffic(harness, hook) as over:
        await harness.accepts(20)
        with _frozen(home):
            await asyncio.sleep(scale(6, 60))
        before = harness.accepted()
        await harness.accepts(before + 20)
        over.set()

        async def published() -> bool:
            return bool(await harness.ctx.database.pool.fetchval("SELECT true"))

        await wait_for(published)
    await _check(harness)


async def test_programs_stop_in_time_while_the_database_is_frozen(
    harness: Harness, home: Path
) -> None:
    """It took 100 s. Requests, pages and loops wait for the database meanwhile."""
    port = free_port()
    env = harness.env | {"PRIVATA_PORT": str(port), "PRIVATA_DRAIN_SECONDS": "3"}
    server = harness.stack.enter_context(program("privata", "serve", env=env))
    hook = await harness.hook("orders", delay_s=0.01)
    worker = harness.worker()
    await harness.publish(hook, 8)
    await harness.accepts(8)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", verify=NO_AUTHORITIES, timeout=60
    ) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).is_success
            except httpx.TransportError:
                return False

        await wait_for(ready, seconds=60)
        with _frozen(home):
            waiting = [
                asyncio.create_task(
                    client.get("/partner/v1/me", headers={"X-API-Key": "pk_test_x"})
                ),
                asyncio.create_task(client.get("/test/orders/", headers={"Cookie": "privata=x"})),
            ]
            await asyncio.sleep(1)
            for each in (server, worker):
                each.terminate()
            for each in (server, worker):
                assert await asyncio.to_thread(each.wait, 20) == 0
        await asyncio.gather(*waiting, return_exceptions=True)
    harness.worker()
    await _check(harness)
