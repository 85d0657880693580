"""One event to 5,000 streams of one process: until the last has it, and what a stream weighs.

The server is a process of its own; this one holds the clients and publishes. Beside it the same
with a bare ASGI application that writes the same bytes: the ratio is what following orders,
resuming and counting cost.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast

from bench.api import UNLIMITED
from bench.harness import Harness
from bench.load import request
from bench.report import Figure, Ratio, Row, percentile
from privata.apikeys.service import create_key
from privata.core.ids import new_id, new_order_id
from privata.core.tenancy import Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.infra.settings import Settings

STREAMS: Final = 5_000
EVENTS: Final = 40
PAUSE_S: Final = 0.3
CONNECTING: Final = 100
DEADLINE_S: Final = 120

#: As large as a webhook of an order in the middle of its life.
BODY: Final = b'{"order": "%b"}' % (b"x" * 1480)

_TERMS = (
    "INSERT INTO organization (id, name, status, live_streams) VALUES ($1, 'B', 'approved', $2)"
)


async def run(harness: Harness) -> Row:
    """Both servers, one after the other."""
    bare, _, bare_kb = await _measure(harness, "bare")
    ours, all_streams, kilobytes = await _measure(harness, "ours")
    ratio = percentile(ours, 0.5) / percentile(bare, 0.5)
    return Row(
        f"One event to {STREAMS:,} streams of one process, {EVENTS} events of {len(BODY):,} bytes",
        [
            Figure("until the last has it, bare ASGI, p50", percentile(bare, 0.5), "ms"),
            Figure("until the last has it, p50", percentile(ours, 0.5), "ms"),
            Figure("until the last has it, p99", percentile(ours, 0.99), "ms", at_most=250),
            Figure("any stream, p50", percentile(all_streams, 0.5), "ms"),
            Figure("memory of a stream, bare ASGI", bare_kb, "KB"),
            Figure("memory of a stream", kilobytes, "KB", at_most=48),
        ],
        [Ratio("until the last has it, ours / bare", ratio)],
    )


class _Client(asyncio.Protocol):
    """Notes when each event arrived; `hello` is done when the stream is open."""

    def __init__(self, call: bytes, opened: asyncio.Future[None]) -> None:
        self.call = call
        self.opened = opened
        self.buffer = b""
        self.arrived: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.transport.write(self.call)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.buffer += data
        for _ in range(self.buffer.count(b'"}\n\n')):
            self.arrived.append(now)
        self.buffer = self.buffer[-3:]
        if not self.opened.done():
            if not data.startswith(b"HTTP/1.1 200"):
                self.opened.set_exception(RuntimeError(data[:300].decode()))
            else:
                self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("the server closed the connection"))


async def _measure(harness: Harness, kind: str) -> tuple[list[float], list[float], float]:
    """Milliseconds until the last stream had each event, those of all streams, KB of a stream."""
    with harness.database() as name:
        url = harness.app_url(name)
        ctx = await AppContext.open(
            Settings(_env_file=None, home=harness.home, database_url=url), url, pool_size=2
        )
        try:
            organization, key, order_id = await _order(ctx)
            async with _server(harness, name, kind) as (port, pid):
                call = request("GET", f"/partner/v1/order/{order_id}/stream", key=key)
                await _connect(port, call, 10)  # what is loaded once is not a stream's
                before = _resident_kb(pid)
                clients = await _connect(port, call, STREAMS)
                await asyncio.sleep(1)
                weight = (_resident_kb(pid) - before) / STREAMS
                last, each = await _publish(ctx, organization, order_id, clients)
                weight = max(weight, (_resident_kb(pid) - before) / STREAMS)
                for client in clients:
                    client.transport.abort()
                return last, each, weight
        finally:
            await ctx.close()


async def _order(ctx: AppContext) -> tuple[uuid.UUID, str, str]:
    organization, order_id = new_id(), new_order_id()
    actor = system_actor(organization, Environment.LIVE, "bench")
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(_TERMS, organization, 2 * STREAMS)
        made = await create_key(tx, ctx, actor=actor, environment=Environment.LIVE, name="bench")
    await _tell(ctx, organization, order_id, 1)
    return organization, made.key, order_id


async def _tell(ctx: AppContext, organization: uuid.UUID, order_id: str, number: int) -> None:
    async with ctx.database.transaction() as tx:
        await publish(
            tx,
            organization_id=organization,
            environment=Environment.LIVE,
            channel="order",
            order_id=order_id,
            events=[NewEvent(f"{order_id}:{number}", "order.confirming", BODY, number)],
        )


async def _publish(
    ctx: AppContext, organization: uuid.UUID, order_id: str, clients: list[_Client]
) -> tuple[list[float], list[float]]:
    last, each = [], []
    for client in clients:
        client.arrived.clear()  # the state that ours begins with
    for number in range(1, EVENTS + 1):
        await _tell(ctx, organization, order_id, number + 1)
        committed = time.perf_counter()
        async with asyncio.timeout(DEADLINE_S):
            while any(len(client.arrived) < number for client in clients):
                await asyncio.sleep(0.02)
        took = [(client.arrived[-1] - committed) * 1000 for client in clients]
        each += took
        last.append(max(took))
        await asyncio.sleep(PAUSE_S)
    return last, each


async def _connect(port: int, call: bytes, count: int) -> list[_Client]:
    loop = asyncio.get_running_loop()
    turns = asyncio.Semaphore(CONNECTING)

    async def one() -> _Client:
        async with turns:
            opened = loop.create_future()
            _, client = await loop.create_connection(
                lambda: _Client(call, opened), "127.0.0.1", port
            )
            await opened
            return client

    async with asyncio.timeout(DEADLINE_S):
        return list(await asyncio.gather(*(one() for _ in range(count))))


def _resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@asynccontextmanager
async def _server(harness: Harness, name: str, kind: str) -> AsyncIterator[tuple[int, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.stream_server",
        kind,
        env=harness.environment(name) | UNLIMITED,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline()), process.pid
    finally:
        process.terminate()
        await process.wait()
