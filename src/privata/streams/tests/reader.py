"""A client of streams that can be killed at any byte, and understands what it reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Generous: the machine may be busy.
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Told:
    """One event as it arrived."""

    id: str
    type: str
    data: bytes


@dataclass
class Reader:
    """An open answer. `comments` counts heartbeats; `retry` is the hint in milliseconds."""

    status: int
    headers: dict[str, str]
    stream: asyncio.StreamReader
    writer: asyncio.StreamWriter
    comments: int = 0
    retry: int | None = None
    ended: bool = False
    _left: bytes = b""
    _fields: dict[str, bytes] = field(default_factory=dict)

    async def next(self) -> Told | None:
        """The next event; None when the server ended the stream cleanly."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line, found, rest = self._left.partition(b"\n")
                if not found:
                    chunk = await self._chunk()
                    if not chunk:
                        self.ended = True
                        return None
                    self._left += chunk
                    continue
                self._left = rest
                told = self._line(line)
                if told is not None:
                    return told

    async def all(self) -> list[Told]:
        """Everything until the server ends the stream."""
        found = []
        while (told := await self.next()) is not None:
            found.append(told)
        return found

    async def body(self) -> bytes:
        """The rest of an answer that is no stream."""
        length = int(self.headers["content-length"])
        return await self.stream.readexactly(length)

    def kill(self) -> None:
        """Drop the connection without a word."""
        self.writer.transport.abort()

    async def _chunk(self) -> bytes:
        size = int(await self.stream.readline() or b"0", 16)
        data = await self.stream.readexactly(size + 2)
        return data[:-2]

    def _line(self, line: bytes) -> Told | None:
        if not line:
            fields, self._fields = self._fields, {}
            if "data" not in fields:
                return None
            return Told(fields["id"].decode(), fields["event"].decode(), fields["data"])
        name, _, value = line.partition(b": ")
        if line.startswith(b":"):
            self.comments += 1
        elif name == b"retry":
            self.retry = int(value)
        else:
            self._fields[name.decode()] = value
        return None


@asynccontextmanager
async def reading(
    base_url: str, order_id: str, key: str, *, last_event_id: str | None = None
) -> AsyncIterator[Reader]:
    """Connect to the stream of an order; the connection is dropped after the block."""
    where = urlsplit(base_url)
    stream, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        lines = [
            f"GET /partner/v1/order/{order_id}/stream HTTP/1.1",
            "Host: localhost",
            f"X-API-Key: {key}",
        ]
        if last_event_id is not None:
            lines.append(f"Last-Event-ID: {last_event_id}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(PATIENCE_S):
            head = (await stream.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, found, value = line.partition(": ")
            if found:
                headers[name.lower()] = value
        yield Reader(int(head[0].split()[1]), headers, stream, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
