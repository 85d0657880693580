"""A client that only POSTs ready-made bytes over plain sockets: the yardstick for the sender."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import cast


class BareClient(asyncio.Protocol):
    """One connection: writes the next request when the answer to the last is there."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.done = done
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.buffer.endswith(b"\r\n\r\nok"):
            return
        if not self.buffer.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(RuntimeError("the sink did not answer 200"))
            return
        self.buffer = b""
        self._next()

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.transport.write(request)


async def post_all(port: int, bodies: list[bytes], connections: int) -> None:
    """POST each body once over so many kept connections."""
    loop = asyncio.get_running_loop()
    requests = iter(
        [
            b"POST /hook HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (port, len(body), body)
            for body in bodies
        ]
    )
    ended: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    for done in ended:
        await loop.create_connection(partial(BareClient, requests, done), "127.0.0.1", port)
    await asyncio.gather(*ended)
