"""The shipped receiver, for pages that show what arrives and what fails."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import programs
from tests.browser.server import Server
from tests.browser.webhooks.receiver import Receiver, settled


@pytest.fixture(scope="module")
def receiver_process(server: Server) -> Iterator[Receiver]:
    """The shipped receiver; each file has its own, for it keeps what it was told."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with Path(os.devnull).open("wb") as nowhere:
        process = programs.start(
            *("privata", "receiver", "--port", str(port)),
            env=server.environment,
            stdout=nowhere,
            stderr=nowhere,
        )
    yield Receiver(f"http://localhost:{port}")
    process.terminate()
    process.wait(20)


@pytest_asyncio.fixture(loop_scope="session")
async def receiver(receiver_process: Receiver) -> Receiver:
    """The receiver, ready and well-behaved."""
    await settled(receiver_process)
    return receiver_process
