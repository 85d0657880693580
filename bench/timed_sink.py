"""A receiver that remembers when the first byte of each event came; a process of its own.

Run as `python -m bench.timed_sink`; prints its port. Requests to paths with `hang` are read and
never answered, those to paths with `slow` are answered after 4.7 seconds. `GET` answers with
`{event id: time}`, on the machine's monotonic clock in seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import uvloop

from bench.load import request
from bench.sink import ANSWER, sink_process

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EVENT = re.compile(rb"\r\nx-privata-event-id: *([^\r]+)", re.IGNORECASE)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"

#: How long requests to paths with `slow` wait for their answer: just within our deadline. Seconds.
SLOW_S = 4.7

first_seen: dict[str, float] = {}


class TimedSink(asyncio.Protocol):
    """One request at a time, as our transport sends them."""

    def __init__(self) -> None:
        self.buffer = b""
        self.began = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if not self.buffer:
            self.began = time.monotonic()
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self.buffer, 0, end)
        if len(self.buffer) < end + 4 + (int(found[1]) if found else 0):
            return
        line, self.buffer, head = self.buffer.partition(b"\r\n")[0], b"", self.buffer[:end]
        if line.startswith(b"GET"):
            body = json.dumps(first_seen).encode()
            self.transport.write(HEAD % len(body) + body)
            return
        event = _EVENT.search(head)
        if event is not None:
            first_seen.setdefault(event[1].decode(), self.began)
        if b"slow" in line:
            asyncio.get_running_loop().call_later(SLOW_S, self.transport.write, ANSWER)
        elif b"hang" not in line:
            self.transport.write(ANSWER)


@asynccontextmanager
async def timed_sink() -> AsyncIterator[int]:
    """The port of a sink that runs during the block."""
    async with sink_process("bench.timed_sink") as port:
        yield port


async def arrivals(port: int) -> dict[str, float]:
    """When each event came first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request("GET", "/"))
        head = await reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(head)
        assert found is not None
        answer: dict[str, float] = json.loads(await reader.readexactly(int(found[1])))
        return answer
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(TimedSink, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
