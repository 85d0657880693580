"""Pages take forms and no more: what is larger ends before anything keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from conftest import Cluster
from privata.dashboard.bodies import BoundedBodies
from tests.browser.server import Server, running_server
from tests.loopback import NO_AUTHORITIES

#: Django's own limit of a form, bytes.
MOST = 2_621_440


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(cluster, tmp_path_factory.mktemp("bodies")) as running:
        yield running


def _chunks(size: int) -> Iterator[bytes]:
    yield b"login="
    for _ in range(size // 65536 + 1):
        yield b"x" * 65536


@pytest.mark.parametrize("path", ["/login", "/no-such-page", "/test/orders/"])
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_page_takes_no_more_than_a_form(server: Server, path: str, chunked: bool) -> None:
    """Anybody could have a file of any size written, at any path, before a limit was asked."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with httpx.Client(base_url=server.base_url, timeout=60, verify=NO_AUTHORITIES) as client:
        for size, large in ((MOST // 2, False), (MOST + 1, True)):
            content = _chunks(size) if chunked else b"x" * size
            answer = client.post(path, content=content, headers=kind)
            assert (answer.status_code == 413) is large, answer.text
        assert "at most 2621440 bytes" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert client.get(path).status_code != 413


async def test_a_body_in_chunks_is_cut_where_it_becomes_too_large() -> None:
    """Not after all of it has come: the application behind keeps what it gets."""
    kept = 0
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal kept
        while (message := await receive())["type"] != "http.disconnect":
            kept += len(message["body"])

    async def endless() -> AsyncIterator[Message]:
        while True:
            yield {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "headers": []}
    await BoundedBodies(application, 100)(scope, endless().__anext__, send)
    assert kept == 60
    assert sent[0]["status"] == 413
