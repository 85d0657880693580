"""Servers and workers are replaced one after the other, behind a balancer that follows `/readyz`
and never sends a request twice: no request fails, no webhook is lost, none is repeated."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from conftest import wait_for
from privata.core.tenancy import Environment
from privata.streams.tests.reader import reading
from tests.conftest import ADDRESSES, mint
from tests.loopback import NO_AUTHORITIES
from tests.programs import Program

from .conftest import Scale
from .harness import Harness, Hook
from .programs import free_port, program

REQUESTS_PER_S = 100
LOOK_EVERY_S = 0.2

#: Several looks of the balancer; and for how long it goes by one. A server that is told to stop may
#: just have said that it is ready: it gets requests for so long, and serves for longer.
DRAIN_S = 4
KNOWN_S = 2.0

#: Generous: the machine may be busy. So is the balancer then, which has no more requests under way
#: than a server answers in the seconds that a stop gives them.
START_S = 180.0
MOST_AT_ONCE = 16

SETTINGS = {
    "PRIVATA_DRAIN_SECONDS": str(DRAIN_S),
    "PRIVATA_RATE_READS_PER_MINUTE": "10000000",
    "PRIVATA_RATE_WRITES_PER_MINUTE": "10000000",
}


@dataclass
class Backend:
    """A server at an address that outlives it, and the balancer's connections to it."""

    port: int
    client: httpx.AsyncClient
    #: When it was asked whether it is ready, and said so; in the loop's seconds.
    asked_at: float | None = None
    process: Program | None = None

    @property
    def ready(self) -> bool:
        """Whether it was, so lately that it cannot have stopped listening since."""
        now = asyncio.get_running_loop().time()
        return self.asked_at is not None and now - self.asked_at < KNOWN_S

    async def look(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        try:
            answer = await self.client.get("/readyz", timeout=2)
        except httpx.TimeoutException:
            pass  # the machine is busy: what was known grows old
        except httpx.TransportError:
            self.asked_at = None
        else:
            self.asked_at = asked_at if answer.status_code == 200 else None


@dataclass
class Balancer:
    """Keeps connections open and takes the servers by turns."""

    backends: list[Backend]
    turn: itertools.count[int] = field(default_factory=itertools.count)
    told: Counter[str] = field(default_factory=Counter)

    async def watch(self) -> None:
        await asyncio.gather(*(self._watch(one) for one in self.backends))

    async def _watch(self, backend: Backend) -> None:
        while True:  # each for itself: one that starts is slow to answer
            await backend.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def chosen(self) -> Backend:
        """The next server; while none is known to be ready, what is to be sent waits here."""
        while True:
            ready = [one for one in self.backends if one.ready]
            if ready:
                return ready[next(self.turn) % len(ready)]
            await asyncio.sleep(LOOK_EVERY_S / 10)

    async def call(self, key: str) -> None:
        """One request, by turns a read and a write; what became of it is counted."""
        client, headers = (await self.chosen()).client, {"X-API-Key": key}
        path = "/partner/v1/estimate?from=BTC&to=ETH&amount=0.1"
        try:
            answer = await client.get(path, headers=headers)
            if answer.status_code == 200 and next(self.turn) % 4 == 0:
                body = {"quote_id": answer.json()["quote_id"], "address": ADDRESSES["ETH"]}
                client = (await self.chosen()).client
                answer = await client.post("/partner/v1/order/create", json=body, headers=headers)
        except httpx.TransportError as error:
            self.told[repr(error)] += 1
        else:
            self.told[str(answer.status_code)] += 1


@asynccontextmanager
async def _balanced() -> AsyncIterator[Balancer]:
    backends = []
    for _ in range(2):
        port = free_port()
        client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", verify=NO_AUTHORITIES, timeout=30
        )
        backends.append(Backend(port, client))
    balancer = Balancer(backends)
    watching = asyncio.create_task(balancer.watch())
    try:
        yield balancer
    finally:
        watching.cancel()
        for one in backends:
            await one.client.aclose()


def _serve(harness: Harness, backend: Backend) -> None:
    env = harness.env | SETTINGS | {"PRIVATA_PORT": str(backend.port)}
    made = program("privata", "serve", "--only", "api", env=env)
    backend.process = harness.stack.enter_context(made)


async def _work(harness: Harness) -> Program:
    """A worker that has begun, and so ends in order when it is told to stop."""
    port = free_port()
    env = harness.env | {"PRIVATA_WORKER_HEALTH_PORT": str(port)}
    process = harness.stack.enter_context(program("privata", "worker", env=env))
    async with httpx.AsyncClient(verify=NO_AUTHORITIES) as client:

        async def answers() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success
            return False

        await wait_for(answers, seconds=START_S)
    return process


async def _gone(process: Program | None) -> None:
    assert process is not None
    process.terminate()
    assert await asyncio.to_thread(process.wait, 60) == 0


async def _calls(balancer: Balancer, key: str, over: asyncio.Event) -> None:
    """So many a second, whether the ones before have ended or not."""
    clock = asyncio.get_running_loop()
    due, running = clock.time(), set[asyncio.Task[None]]()
    async with asyncio.TaskGroup() as group:
        while not over.is_set():
            if len(running) < MOST_AT_ONCE:
                task = group.create_task(balancer.call(key))
                running.add(task)
                task.add_done_callback(running.discard)
            due = max(due + 1 / REQUESTS_PER_S, clock.time() - 1)
            await asyncio.sleep(max(0.0, due - clock.time()))


async def _events(harness: Harness, hook: Hook, over: asyncio.Event) -> None:
    while not over.is_set():
        await harness.publish(hook, 8)
        await asyncio.sleep(0.1)


async def _stream(balancer: Balancer, key: str, over: asyncio.Event) -> None:
    """A stream ends properly and goes on with the other server."""
    quote = await (await balancer.chosen()).client.get(
        "/partner/v1/estimate?from=BTC&to=ETH&amount=0.1", headers={"X-API-Key": key}
    )
    made = await (await balancer.chosen()).client.post(
        "/partner/v1/order/create",
        json={
            "quote_id": quote.json()["quote_id"],
            "address": ADDRESSES["ETH"],
            "sandbox_scenario": "stuck",
        },
        headers={"X-API-Key": key},
    )
    assert made.status_code == 201, made.text
    order_id, last = made.json()["order_id"], None
    while not over.is_set():
        url = str((await balancer.chosen()).client.base_url)
        async with reading(url, order_id, key, last_event_id=last) as one:
            if one.status == 204:
                return  # the machine was so busy that the order has ended
            assert one.status == 200
            read = asyncio.create_task(one.next())
            ended = asyncio.create_task(over.wait())
            await asyncio.wait({read, ended}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not read.done():
                read.cancel()
                return
            with suppress(TimeoutError):  # nothing happens to the order for a long time
                event = read.result()  # raises where the stream did not end properly
                last = last if event is None else event.id


async def test_a_rolling_restart_fails_no_request(
    harness: Harness, scale: Scale, organization: UUID
) -> None:
    """91 of 1,800 requests failed."""
    hook = await harness.hook("orders", delay_s=0.01)
    key = await mint(harness.ctx, organization, Environment.TEST)  # whose orders tell nobody
    workers = [await _work(harness) for _ in range(2)]
    over = asyncio.Event()
    async with _balanced() as balancer:
        for one in balancer.backends:
            _serve(harness, one)

        async def all_ready() -> bool:
            return all(one.ready for one in balancer.backends)

        await wait_for(all_ready, seconds=START_S)
        async with asyncio.TaskGroup() as traffic:
            traffic.create_task(_calls(balancer, key, over))
            traffic.create_task(_events(harness, hook, over))
            traffic.create_task(_stream(balancer, key, over))
            for _ in range(scale(1, 10)):
                for number, backend in enumerate(balancer.backends):
                    await asyncio.gather(_gone(backend.process), _gone(workers[number]))
                    assert not backend.ready
                    _serve(harness, backend)
                    workers[number] = await _work(harness)
                    await wait_for(all_ready, seconds=START_S)
            over.set()
        print(dict(balancer.told))
        assert balancer.told.total() > 0
        assert set(balancer.told) == {"200", "201"}
    await harness.drained()
    ledgers = await harness.ledgers()
    ledgers.check()
    assert ledgers.repeats == 0
    assert ledgers.lost_leases == 0
