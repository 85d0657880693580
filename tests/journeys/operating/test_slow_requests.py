"""Slow and endless requests over raw sockets, and answers to HTTP/1.0."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from conftest import wait_for
from privata.infra.http.protocol import MAX_AROUND_BYTES, MAX_HEAD_BYTES, Patience
from privata.serving import listen, serve_app_on

#: Longer than any test waits, and shorter than any test can be.
NEVER_S = 600.0
SOON_S = 0.2

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"


class App:
    """Reads the body, and says how that ended."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked.append(scope["path"])
        if scope["path"] == "/early":
            response: Response = PlainTextResponse("no")
        elif scope["path"] == "/chunks":
            response = StreamingResponse(_parts())
        else:
            try:
                body = await request.body()
            except ClientDisconnect:
                self.asked.append("cut")
                return
            await self.hold.wait()
            self.headers = scope["headers"]
            response = PlainTextResponse(f"{len(body)} bytes")
        await response(scope, receive, send)


async def _parts() -> AsyncIterator[bytes]:
    for part in (b"first ", b"", b"second"):
        yield part


class Line:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._dripping: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def drip(self, data: bytes) -> None:
        """Send a byte again and again, much more often than any limit here is long."""

        async def dripping() -> None:
            with suppress(OSError):
                while True:
                    self.writer.write(data)
                    await self.writer.drain()
                    await asyncio.sleep(SOON_S / 20)

        self._dripping = asyncio.create_task(dripping())

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """One answer that says its length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    async def rest(self) -> bytes:
        """Everything until the server closes, or drops, the connection."""
        found = b""
        with suppress(ConnectionError):
            while data := await self.reader.read(65536):
                found += data
        return found

    def close(self) -> None:
        if self._dripping is not None:
            self._dripping.cancel()
        self.writer.transport.abort()


Connect = Callable[[], Awaitable[Line]]


@asynccontextmanager
async def served(app: App, patience: Patience) -> AsyncIterator[Connect]:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve_app_on(listener, app, patience=patience))
    lines: list[Line] = []

    async def connect() -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", port)))
        return lines[-1]

    try:
        async with asyncio.timeout(60):
            yield connect
    finally:
        for line in lines:
            line.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _is_408(status: int, headers: dict[str, str], body: bytes, what: str) -> None:
    error = json.loads(body)["error"]
    assert (status, headers["connection"]) == (408, "close")
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert error["code"] == "VALIDATION_ERROR"
    assert error["message"] == f"The request {what} did not arrive within {SOON_S} seconds."
    assert headers["x-request-id"] == error["request_id"]
    assert error["request_id"].startswith("req_")


@pytest.mark.parametrize("drip", [b"", b"X-A: b\r\n", b"x"], ids=["silent", "lines", "bytes"])
@pytest.mark.parametrize("requests", [0, 1], ids=["first", "second"])
async def test_slow_headers_are_cut_with_408(drip: bytes, requests: int) -> None:
    """A client that sent a byte now and then held its connection for ever."""
    app = App()
    async with served(app, Patience(SOON_S, NEVER_S, int(NEVER_S))) as connect:
        line = await connect()
        for _ in range(requests):
            line.send(HEAD + b"\r\n")
            assert (await line.answer())[0] == 200
        line.send(HEAD)
        if drip:
            line.drip(drip)
        _is_408(*await line.answer(), "headers")
        assert await line.rest() == b""
        assert app.asked == ["/"] * requests, "the slow one never began"


@pytest.mark.parametrize("drip", [b"", b"\r\n"], ids=["silent", "empty lines"])
async def test_a_connection_that_asks_nothing_is_closed(drip: bytes) -> None:
    app = App()
    async with served(app, Patience(SOON_S, NEVER_S, int(NEVER_S))) as connect:
        line = await connect()
        if drip:
            line.drip(drip)
        assert await line.rest() == b"", "without a word: nothing was asked"
        kept = await connect()
        kept.send(HEAD + b"\r\n")
        assert (await kept.answer())[0] == 200
        if drip:  # it ends the idle time, and begins nothing
            kept.drip(drip)
            assert await kept.rest() == b""


@pytest.mark.parametrize("begin", [POST, POST + b"123"], ids=["none", "part"])
async def test_a_slow_body_is_cut_with_408(begin: bytes) -> None:
    app = App()
    async with served(app, Patience(NEVER_S, SOON_S, int(NEVER_S))) as connect:
        line = await connect()
        line.send(begin)
        _is_408(*await line.answer(), "body")
        assert await line.rest() == b""
        while app.asked != ["/", "cut"]:
            await asyncio.sleep(0)


async def test_a_body_of_endless_chunks_is_cut_with_408() -> None:
    app = App()
    async with served(app, Patience(NEVER_S, SOON_S, int(NEVER_S))) as connect:
        line = await connect()
        line.send(HEAD.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n")
        line.drip(b"1\r\nx\r\n")
        _is_408(*await line.answer(), "body")


async def test_a_body_that_drips_on_after_its_answer_is_cut() -> None:
    app = App()
    async with served(app, Patience(NEVER_S, SOON_S, int(NEVER_S))) as connect:
        line = await connect()
        line.send(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await line.answer())[2] == b"no"
        line.drip(b"1\r\nx\r\n")
        assert await line.rest() == b"", "an answer was given: there is no second one"


async def test_what_we_take_long_for_is_nobodys_fault() -> None:
    app = App()
    app.hold.clear()
    async with served(app, Patience(SOON_S, SOON_S, int(NEVER_S))) as connect:
        slow, other = await connect(), await connect()
        slow.send(POST + b"1234567890" + b"\r\n")  # old browsers send a line too many
        other.send(HEAD)
        await other.rest()  # as long as the limits are
        app.hold.set()
        assert (await slow.answer())[2] == b"10 bytes"


async def test_an_idle_connection_is_closed() -> None:
    async with served(App(), Patience(NEVER_S, NEVER_S, 1)) as connect:
        line = await connect()
        for _ in range(2):
            line.send(HEAD + b"\r\n")
            assert (await line.answer())[0] == 200
        assert await line.rest() == b""


async def test_endless_headers_are_refused_before_they_fill_the_memory() -> None:
    app = App()
    async with served(app, Patience(NEVER_S, NEVER_S, int(NEVER_S))) as connect:
        line = await connect()
        line.send(HEAD)
        for _ in range(MAX_HEAD_BYTES // 1024 + 1):
            line.send(b"X-A: " + b"b" * 1024 + b"\r\n")
            await line.writer.drain()
        assert (await line.answer())[0] == 431
        assert await line.rest() == b""
        assert app.asked == []


@pytest.mark.parametrize("size", [MAX_HEAD_BYTES // 2, MAX_HEAD_BYTES + 1, 50 * MAX_HEAD_BYTES])
@pytest.mark.parametrize("where", ["address", "header"])
@pytest.mark.parametrize("requests", [0, 1], ids=["first", "second"])
async def test_a_head_is_too_large_however_it_arrives(size: int, where: str, requests: int) -> None:
    """One of 66,000 bytes that came at once ended its connection with a traceback in our log.

    What is far too large is answered too: unread bytes would reset the connection first.
    """
    app = App()
    long = b"9" * size
    head = b"GET /?a=%b HTTP/1.1\r\nHost: x\r\n" % long
    if where == "header":
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: %b\r\n" % long
    async with served(app, Patience(NEVER_S, NEVER_S, int(NEVER_S))) as connect:
        line = await connect()
        for _ in range(requests):
            line.send(HEAD + b"\r\n")
            assert (await line.answer())[0] == 200
        line.send(head + b"\r\n")
        status, headers, body = await line.answer()
        if size < MAX_HEAD_BYTES:
            assert (status, len(app.asked)) == (200, requests + 1)
        else:
            assert (status, headers["connection"]) == (431, "close")
            assert "exceed 65536 bytes" in json.loads(body)["error"]["message"]
            assert len(app.asked) == requests


async def test_a_head_behind_a_long_body_counts_alone() -> None:
    async with served(App(), Patience()) as connect:
        line = await connect()
        size = 2 * MAX_HEAD_BYTES
        line.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        line.send(b"x" * size + HEAD)
        await line.writer.drain()
        assert (await line.answer())[2] == b"%d bytes" % size
        line.send(b"\r\n")
        assert (await line.answer())[2] == b"0 bytes"


async def test_trailers_are_no_headers() -> None:
    """They were added to the headers that the application had: addresses no proxy had looked at."""
    app = App()
    async with served(app, Patience()) as connect:
        line = await connect()
        line.send(CHUNKED + b"1\r\nx\r\n0\r\n")
        await line.writer.drain()
        line.send(b"X-Forwarded-For: 10.0.0.1\r\nX-Last: a\r\n\r\n")
        assert (await line.answer())[2] == b"1 bytes"
        assert app.headers == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]
        line.send(HEAD + b"\r\n")
        assert (await line.answer())[2] == b"0 bytes"
        assert app.headers == [(b"host", b"localhost")], "nor are they those of the next request"


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"0\r\n", b"X-A: " + b"b" * 1000 + b"\r\n"),
        (b"1\r\nx\r\n" * 100_000 + b"0\r\nX-A: b", b"b" * 1000),
        (b"0\r\nX", b"a" * 1000),
        (b"1;a=b", b"b" * 1000),
        (b"", b"1;a=" + b"b" * 1000 + b"\r\nx\r\n"),
    ],
    ids=["trailers", "a trailer's value", "a trailer's name", "an extension", "extensions"],
)
async def test_what_is_around_a_body_has_an_end(begin: bytes, more: bytes) -> None:
    """Trailers were kept without a bound, each put together anew with every piece of it."""
    app = App()
    async with served(app, Patience(NEVER_S, 20.0, int(NEVER_S))) as connect:
        line = await connect()
        line.send(CHUNKED)
        await line.writer.drain()
        await wait_for(lambda: _asked(app))
        line.send(begin)
        for _ in range(MAX_AROUND_BYTES // 1000 + 300):  # the last of them come in one piece or two
            line.send(more)
            await line.writer.drain()
        status, headers, body = await line.answer()
        assert (status, headers["connection"]) == (431, "close")
        assert "around the request body" in json.loads(body)["error"]["message"]


async def test_a_body_in_chunks_of_one_byte_is_a_body() -> None:
    size = 2 * MAX_AROUND_BYTES
    async with served(App(), Patience()) as connect:
        line = await connect()
        for _ in range(2):
            line.send(CHUNKED + b"01\r\nx\r\n" * size)
            await line.writer.drain()
            line.send(b"0\r\n\r\n")
            assert (await line.answer())[2] == b"%d bytes" % size


async def _asked(app: App) -> bool:
    return app.asked == ["/"]


async def test_who_is_refused_cannot_go_on_sending() -> None:
    async with served(App(), Patience()) as connect:
        line = await connect()
        line.send(b"nonsense\r\n\r\n")
        assert (await line.answer())[0] == 400
        line.drip(HEAD + b"\r\n")
        assert await line.rest() == b"", "a request after it is not answered"
        with pytest.raises(ConnectionError):
            while True:  # the connection is cut soon, whatever else is sent
                line.send(b"x")
                await line.writer.drain()
                await asyncio.sleep(SOON_S / 20)


async def test_what_is_no_http_gets_the_one_error_shape() -> None:
    async with served(App(), Patience()) as connect:
        line = await connect()
        line.send(b"\x16\x03\x01 hello\r\n\r\n")
        status, headers, body = await line.answer()
        assert (status, headers["content-type"]) == (400, "application/json")
        assert json.loads(body)["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("address", [b"http://[x/", b"http://a:b:c/", b"http://x:99999999/"])
async def test_an_address_that_is_none_is_refused(address: bytes) -> None:
    app = App()
    async with served(app, Patience()) as connect:
        line = await connect()
        line.send(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % address)
        assert (await line.answer())[0] == 400
        assert app.asked == []


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_answers_without_a_length_are_not_chunked_for_http_1_0(version: str) -> None:
    async with served(App(), Patience()) as connect:
        line = await connect()
        line.send(f"GET /chunks HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await line.rest()).partition(b"\r\n\r\n")
        assert (b"transfer-encoding: chunked" in head) is (version == "1.1")
        if version == "1.0":
            assert body == b"first second"
        other = await connect()
        other.send(f"GET / HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        assert (await other.answer())[2] == b"0 bytes"
