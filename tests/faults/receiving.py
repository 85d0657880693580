"""A receiver as a process of its own: writes every request down before it answers.

Run as `python -m tests.faults.receiving PORT JOURNAL`. The journal has one line of JSON for each
request, and a second one when its answer is handed to the system. What is written survives this
process; it need not survive the machine, so nothing waits for a disk. `PUT /behaviour/<name>`
changes how requests to `/hook/<name>` are answered: `{"status": 200, "delay_s": 0.0, "silent":
false}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, cast


@dataclass(frozen=True)
class Behaviour:
    status: int = 200
    delay_s: float = 0.0
    silent: bool = False


class Receiver:
    """The journal and how each hook behaves now."""

    def __init__(self, journal: str) -> None:
        self._file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._behaviours: dict[str, Behaviour] = {}
        self._number = 0

    def note(self, line: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def behave(self, name: str, body: bytes) -> None:
        before = self._behaviours.get(name, Behaviour())
        self._behaviours[name] = replace(before, **json.loads(body))

    def arrived(self, name: str, headers: dict[str, str], body: bytes) -> tuple[int, Behaviour]:
        self._number += 1
        self.note({
            "number": self._number,
            "at": time.time(),
            "hook": name,
            "event_id": headers.get("x-privata-event-id"),
            "delivery_id": headers.get("x-privata-delivery-id"),
            "attempt": headers.get("x-privata-attempt"),
            "signature": headers.get("x-privata-signature"),
            "body": body.decode("latin-1"),
        })  # fmt: skip
        return self._number, self._behaviours.get(name, Behaviour())


class Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:])
            }
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self._buffer) < whole:
                return
            body = bytes(self._buffer[end + 4 : whole])
            del self._buffer[:whole]
            self._handle(lines[0].split(" ")[1], headers, body)

    def _handle(self, path: str, headers: dict[str, str], body: bytes) -> None:
        kind, _, name = path.lstrip("/").partition("/")
        if kind != "hook":
            if kind == "behaviour":
                self._receiver.behave(name, body)
            self._write(200)
            return
        number, behaviour = self._receiver.arrived(name, headers, body)
        if not behaviour.silent:
            asyncio.get_running_loop().call_later(
                behaviour.delay_s, self._answer, number, behaviour.status
            )

    def _answer(self, number: int, status: int) -> None:
        if not self._transport.is_closing():
            self._receiver.note({"answered": number, "status": status})
            self._write(status)

    def _write(self, status: int) -> None:
        self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % status)


async def main(port: int, journal: str) -> None:
    receiver = Receiver(journal)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(receiver), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
