"""Streams that are cut at random, on two servers that are killed: no event is missed, none repeats.

Each reader follows one order and knows nothing but the id of the last event it has read whole.
"""

from __future__ import annotations

import asyncio
import random
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from conftest import Cluster, environment_for, wait_for
from privata.apikeys.service import create_key
from privata.core.ids import new_order_id
from privata.core.tenancy import Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.streams.tests.reader import Reader, reading
from tests.programs import Program

from .conftest import Scale
from .programs import free_port, program, stop

READERS = 8

#: Above what the readers can ask for, so that only streams are tested.
UNLIMITED = {"PRIVATA_RATE_READS_PER_MINUTE": "10000000"}

_CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'privata-wakeup'
"""


@dataclass
class Fleet:
    """Server processes on one database, and an organization with a key."""

    ctx: AppContext
    env: dict[str, str]
    stack: ExitStack
    organization: uuid.UUID = field(default_factory=uuid.uuid4)
    key: str = ""
    servers: dict[str, Program] = field(default_factory=dict)

    async def open(self) -> None:
        actor = system_actor(self.organization, Environment.LIVE, "test")
        async with self.ctx.database.transaction() as tx:
            await tx.connection.execute(
                "INSERT INTO organization (id, name, status, live_streams)"
                " VALUES ($1, 'Acme', 'approved', 1000)",
                self.organization,
            )
            made = await create_key(
                tx, self.ctx, actor=actor, environment=Environment.LIVE, name="test"
            )
        self.key = made.key

    async def start(self, url: str = "") -> str:
        """One more server; its address. With `url`, at that address."""
        port = urlsplit(url).port or free_port()
        url = f"http://127.0.0.1:{port}"
        env = self.env | {"PRIVATA_PORT": str(port)}
        process = program("privata", "serve", "--only", "api", env=env)
        self.servers[url] = self.stack.enter_context(process)

        async def ready() -> bool:
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{url}/readyz")).is_success
            except httpx.TransportError:
                return False

        await wait_for(ready, seconds=60)
        return url

    async def tell(self, order_id: str, number: int, status: str = "confirming") -> str:
        event_id = f"{order_id}:{status}:{number}"
        async with self.ctx.database.transaction() as tx:
            await publish(
                tx,
                organization_id=self.organization,
                environment=Environment.LIVE,
                channel="order",
                order_id=order_id,
                events=[NewEvent(event_id, f"order.{status}", b'{"n":%d}' % number, number)],
            )
        return event_id


@pytest.fixture
async def fleet(ctx: AppContext, cluster: Cluster, database_name: str) -> AsyncIterator[Fleet]:
    env = environment_for(
        ctx.settings.home,
        cluster.app(database_name),
        cluster.owner(database_name),
        **UNLIMITED,
    )
    with ExitStack() as stack:
        made = Fleet(ctx, env, stack)
        await made.open()
        yield made


@dataclass
class Follower:
    """Reads one order over and over, cut off at random; `told` is what it has read whole."""

    fleet: Fleet
    order_id: str
    rng: random.Random
    told: list[str] = field(default_factory=list)
    connections: int = 0
    finished: bool = False

    async def follow(self) -> None:
        while not self.finished:
            url = self.rng.choice(list(self.fleet.servers))
            last = self.told[-1] if self.told else None
            try:
                async with reading(url, self.order_id, self.fleet.key, last_event_id=last) as one:
                    self.connections += 1
                    assert one.status == 200
                    assert one.headers["privata-resume-source"] == ("buffer" if last else "fresh")
                    await self._read(one, self.rng.random() * 0.08)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.02)  # that server is down

    async def _read(self, one: Reader, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while (event := await one.next()) is not None:
                    self.told.append(event.id)
                    self.finished = event.type == "order.completed"
        except TimeoutError:
            one.kill()


async def _followed(
    fleet: Fleet,
    rng: random.Random,
    reconnects: int,
    faults: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Publish until the readers were cut off so often; then compare what they read with the log."""
    followers = [Follower(fleet, new_order_id(), rng) for _ in range(READERS)]
    published = {one.order_id: [await fleet.tell(one.order_id, 1)] for one in followers}
    async with asyncio.TaskGroup() as group:
        for one in followers:
            group.create_task(one.follow())

        async def all_begun() -> bool:
            return all(one.told for one in followers)

        await wait_for(all_begun)
        breaking = group.create_task(faults())
        while sum(one.connections for one in followers) < reconnects or not breaking.done():
            chosen = rng.choice(followers).order_id
            told = published[chosen]
            told.append(await fleet.tell(chosen, len(told) + 1))
            await asyncio.sleep(rng.random() * 0.01)
        for order_id, told in published.items():
            told.append(await fleet.tell(order_id, len(told) + 1, "completed"))
    for one in followers:
        assert one.told == published[one.order_id]


async def test_readers_cut_at_random_miss_nothing(fleet: Fleet, scale: Scale) -> None:
    """Two servers; the connections on which they listen are cut all the time too."""
    for _ in range(2):
        await fleet.start()

    async def cut() -> None:
        for _ in range(scale(5, 100)):
            await fleet.ctx.database.pool.fetchval(_CUT)
            await asyncio.sleep(0.1)

    await _followed(fleet, random.Random(11), scale(150, 2_000), cut)


async def test_servers_killed_at_random_lose_no_event(fleet: Fleet, scale: Scale) -> None:
    for _ in range(2):
        await fleet.start()
    rng = random.Random(5)

    async def kill() -> None:
        for _ in range(scale(1, 20)):
            await asyncio.sleep(rng.random() * 0.3)
            url = rng.choice(list(fleet.servers))
            stop(fleet.servers[url], signal.SIGKILL)
            await fleet.start(url)

    await _followed(fleet, rng, scale(50, 1_000), kill)


async def test_a_server_that_is_told_to_stop_ends_its_streams_cleanly(
    fleet: Fleet, scale: Scale
) -> None:
    """Every client sees a proper end, no row stays open, and the program is gone in time."""
    url, order_id = await fleet.start(), new_order_id()
    await fleet.tell(order_id, 1)

    async def until_the_end(begun: asyncio.Semaphore) -> bool:
        async with reading(url, order_id, fleet.key) as one:
            assert await one.next() is not None
            begun.release()
            return await one.next() is None

    count = scale(50, 500)
    begun = asyncio.Semaphore(0)
    clients = [asyncio.create_task(until_the_end(begun)) for _ in range(count)]
    for _ in clients:
        await begun.acquire()
    server = fleet.servers[url]
    server.send_signal(signal.SIGTERM)
    assert all(await asyncio.gather(*clients))
    assert await asyncio.to_thread(server.wait, 30) is not None
    rows = await fleet.ctx.database.pool.fetch(
        "SELECT reason, count(*) FROM stream GROUP BY reason"
    )
    assert [tuple(row) for row in rows] == [("restart", count)]
