"""A load client that costs little: raw asyncio protocols on kept connections, closed loop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import cast

#: A run that takes longer is stuck.
DEADLINE_S = 120


class _Caller(asyncio.Protocol):
    """Sends the next request when the last answer is complete."""

    def __init__(self, requests: Iterator[bytes], codes: Counter[int]) -> None:
        self.requests = requests
        self.codes = codes
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start:].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self.codes[int(head[9:12])] += 1
        self.buffer = rest[length:]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self.transport.close()
            return
        self.transport.write(request)


async def rate(port: int, requests: list[bytes], *, connections: int, expect: int) -> float:
    """Requests per second over all of `requests`; every answer must have status `expect`."""
    codes: Counter[int] = Counter()
    source = iter(requests)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    callers = [
        (await loop.create_connection(lambda: _Caller(source, codes), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(caller.done for caller in callers))
    took = time.perf_counter() - started
    if codes != {expect: len(requests)}:
        raise RuntimeError(f"expected {len(requests)} answers {expect}, got {dict(codes)}")
    return len(requests) / took


def request(method: str, path: str, *, key: str = "", body: bytes = b"") -> bytes:
    """The bytes of one request."""
    head = [f"{method} {path} HTTP/1.1", "Host: bench"]
    if key:
        head.append(f"X-API-Key: {key}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body
