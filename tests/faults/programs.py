"""Programs that a fault test starts and ends, each by its own process id."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import programs
from tests.canaries import check_file
from tests.programs import Program

RECEIVER = "tests.faults.receiving"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def program(module: str, *arguments: str, env: dict[str, str]) -> Iterator[Program]:
    """A program that is ended with the block, unless it has been killed before."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = programs.start(module, *arguments, env=env, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)  # one that stands still could not be ended
            stop(process)
            check_file(Path(log.name))


def stop(process: Program, how: signal.Signals = signal.SIGTERM) -> None:
    if process.poll() is None:
        process.send_signal(how)
        process.wait(timeout=30)


def put(port: int, path: str, body: dict[str, Any]) -> None:
    """Tell the receiver something."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("PUT", path, json.dumps(body))
        assert connection.getresponse().status == 200
    finally:
        connection.close()
