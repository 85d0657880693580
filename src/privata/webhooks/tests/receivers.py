"""Raw receivers on loopback, one script for each connection: what a hostile server may do."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network

from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import (
    OutboundRequest,
    SendResult,
    Transport,
    default_ssl_context,
)

DEVELOPMENT = Policy(allow_localhost_http=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A raw server. `requests` holds the bytes of every request read with `read_request`."""

    script: Script
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook?a=1"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def receiver(
    script: Script, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Serve `script` on 127.0.0.1; ends every connection with the block."""
    running: set[asyncio.Task[None]] = set()
    found = Receiver(script)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        found.connections += 1
        try:
            await script(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the transport hung up, or the test is over
        finally:
            running.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()


def answering(response: bytes, *, close: bool = False) -> Script:
    """Read requests for ever and give each the same answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(response)
            await writer.drain()
            if close:
                return

    return script


@functools.cache
def system_roots() -> ssl.SSLContext:
    """One context for all tests: loading the system's roots takes a while."""
    return default_ssl_context()


@asynccontextmanager
async def transport(
    resolver: Resolver | None = None,
    *,
    max_connections: int = 16,
    idle_seconds: float = 30.0,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[Transport]:
    names = resolver or Resolver(lookup=Names({}))
    client = Transport(
        names,
        max_connections=max_connections,
        idle_seconds=idle_seconds,
        ssl_context=ssl_context or system_roots(),
    )
    try:
        yield client
    finally:
        await client.aclose()
        await names.aclose()


class Names:
    """A look-up out of a table; a value may be an error to raise. Counts what it was asked."""

    def __init__(self, table: dict[str, Sequence[str] | OSError]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        await asyncio.sleep(0)
        found = self.table[host]
        if isinstance(found, OSError):
            raise found
        return found


def loopback_policy(port: int, allowed: str = "127.0.0.1/32") -> Policy:
    """What an operator with a receiver of its own on this machine allows."""
    return Policy(allowed_cidrs=(ip_network(allowed),), extra_ports=frozenset({port}))


async def post(
    client: Transport,
    url: str,
    *,
    policy: Policy = DEVELOPMENT,
    deadline_s: float = 5.0,
    body: bytes = b'{"event":"order.completed"}',
) -> SendResult:
    headers = [("Content-Type", "application/json"), ("X-Privata-Attempt", "1")]
    return await client.send(OutboundRequest(url, headers, body, policy, deadline_s, "dlv_1"))
