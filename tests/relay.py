"""A line between a program and the database that can freeze or be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Carries bytes both ways until it is frozen: then connections are made, and stay silent."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        folder, port = query["host"][0], query.get("port", ["5432"])[0]
        self._socket = f"{folder}/.s.PGSQL.{port}"
        self._user, self._name = parts.username, parts.path
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The database's URL along this line."""
        return f"postgresql://{self._user}@127.0.0.1:{self.port}{self._name}?sslmode=disable"

    def freeze(self) -> None:
        """Nothing is carried from now on, and nobody is told."""
        self._open.clear()

    def thaw(self) -> None:
        """Go on where it stood."""
        self._open.set()

    def cut(self) -> None:
        """End every connection that is open."""
        for writer in self._writers:
            writer.transport.abort()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self._socket)
        ours = {writer, there_writer}
        self._writers |= ours
        try:
            await asyncio.gather(
                self._carry(reader, there_writer), self._carry(there_reader, writer)
            )
        finally:
            self._writers -= ours

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relayed(url: str) -> AsyncIterator[Relay]:
    """A line to the database at `url`, gone after the block."""
    relay = Relay(url)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.thaw()
        relay.cut()
