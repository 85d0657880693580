"""A line between a program and the database that can freeze, forget, be slow or be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Carries bytes both ways until it is frozen: then connections are made, and stay silent.

    `delay_s` is how long they are under way, each way.
    """

    def __init__(self, url: str, delay_s: float = 0.0) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._host = query.get("host", [parts.hostname or ""])[0]
        self._server_port = query.get("port", [str(parts.port or 5432)])[0]
        self._user, self._name = parts.username, parts.path
        self._delay_s = delay_s
        self._frozen = False
        #: Of each connection: open while it carries.
        self._gates: set[asyncio.Event] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._closed = False
        self.port = 0

    @property
    def url(self) -> str:
        """The database's URL along this line."""
        return f"postgresql://{self._user}@127.0.0.1:{self.port}{self._name}?sslmode=disable"

    def freeze(self) -> None:
        """Nothing is carried from now on, and nobody is told."""
        self._frozen = True
        self.forget()

    def forget(self) -> None:
        """The connections of now stay silent; new ones work."""
        for gate in self._gates:
            gate.clear()

    def thaw(self) -> None:
        """Go on where it stood."""
        self._frozen = False
        for gate in self._gates:
            gate.set()

    def lead_to(self, port: int) -> None:
        """New connections go to another server on this machine."""
        self._host, self._server_port = "127.0.0.1", str(port)

    def cut(self) -> None:
        """End every connection that is open."""
        for writer in self._writers:
            writer.transport.abort()

    async def end(self) -> None:
        """Carry nothing any more, and wait until no connection is left."""
        self._closed = True
        self.thaw()
        self.cut()
        while self._writers:
            await asyncio.sleep(0.01)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await self._server()
        except OSError:
            writer.transport.abort()
            return
        ours = {writer, there_writer}
        if self._closed:
            # It was accepted just before, so `cut` did not see it; and a server that stands still
            # would never end it.
            for one in ours:
                one.transport.abort()
            return
        gate = asyncio.Event()
        if not self._frozen:
            gate.set()
        self._writers |= ours
        self._gates.add(gate)
        try:
            await asyncio.gather(
                self._carry(reader, there_writer, gate), self._carry(there_reader, writer, gate)
            )
        finally:
            self._writers -= ours
            self._gates.discard(gate)

    async def _server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._host.startswith("/"):
            path = f"{self._host}/.s.PGSQL.{self._server_port}"
            return await asyncio.open_unix_connection(path)
        return await asyncio.open_connection(self._host, int(self._server_port))

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await gate.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relayed(url: str, delay_s: float = 0.0) -> AsyncIterator[Relay]:
    """A line to the database at `url`, gone after the block."""
    relay = Relay(url, delay_s)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.end()
