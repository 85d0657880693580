"""Programs that a fault test starts and ends, each by its own process id."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import wait_for

RECEIVER = Path(__file__).with_name("receiving.py")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def program(*arguments: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that is ended with the block, unless it has been killed before."""
    process = subprocess.Popen([sys.executable, *arguments], env=env, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    if process.poll() is None:
        process.send_signal(how)
        process.wait(timeout=20)


class Ledger:
    """What the receiver says it got."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    async def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = await asyncio.to_thread(self.get, "/deliveries/stats")
        return found

    async def ready(self) -> None:
        async def answers() -> bool:
            try:
                await self.stats()
            except OSError:
                return False
            return True

        await wait_for(answers)

    def received(self, count: int) -> list[dict[str, Any]]:
        """Every request in the order it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            found = []
            for number in range(1, count + 1):
                connection.request("GET", f"/deliveries/{number}")
                found.append(json.loads(connection.getresponse().read()))
            return found
        finally:
            connection.close()
