"""Answers that every browser takes are taken; what is refused says exactly why."""

from __future__ import annotations

import pytest

from privata.webhooks.outcomes import Outcome
from privata.webhooks.tests.receivers import answering, post, receiver, transport
from privata.webhooks.transport.http1 import ResponseReader

LENGTH = b"Content-Length: 2\r\n"

TAKEN = {
    "bare LF": b"HTTP/1.1 200 OK\nX-Server: old\nContent-Length: 2\n\nok",
    "LF here, CRLF there": b"HTTP/1.1 200 OK\r\nX-Server: old\nContent-Length: 2\r\n\nok",
    "Content-Length twice": b"HTTP/1.1 200 OK\r\n" + LENGTH + b"X-Server: old\r\n" + LENGTH
    + b"\r\nok",
    "Content-Length as a list": b"HTTP/1.1 200 OK\r\nX-Server: old\r\n"
    b"content-length: 2, 2\r\n\r\nok",
    "twice, with bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\nX-Server: old\n"
    b"Content-Length: 02\n\nok",
    "twice, after interim answers": b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
    + LENGTH + LENGTH + b"X-Server: old\r\n\r\nok",
    "folded header": b"HTTP/1.1 200 OK\r\nX-Server: o\r\n\tld\r\nContent-Length: 2\r\n\r\nok",
    "folded header, bare LF": b"HTTP/1.1 200 OK\nX-Server: o\n ld\nContent-Length: 2\n\nok",
    "no reason phrase": b"HTTP/1.1 200\r\nX-Server: old\r\nContent-Length: 2\r\n\r\nok",
    "blank lines before": b"\r\n\r\nHTTP/1.1 200 OK\r\nX-Server: old\r\n" + LENGTH + b"\r\nok",
    "spaces behind a chunk's size": b"HTTP/1.1 200 OK\r\nX-Server: old\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n",
    "bytes that are no ASCII": b"HTTP/1.1 200 OK\r\nX-Server: old\r\nX: \xe9\r\n" + LENGTH
    + b"\r\nok",
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
async def test_answers_that_every_browser_takes(name: str) -> None:
    async with receiver(answering(TAKEN[name])) as server, transport() as client:
        results = [await post(client, server.url) for _ in range(2)]
    for result in results:
        assert (result.outcome, result.status_code) == (Outcome.DELIVERED, 200), result.detail
        assert result.response_excerpt == "ok"
        headers = dict(result.response_headers)
        assert "".join(headers["x-server"].split()) == "old"
        assert "link" not in headers
    assert (results[1].reused, server.connections) == (True, 1)


@pytest.mark.parametrize("name", TAKEN)
def test_they_are_taken_however_the_bytes_arrive(name: str) -> None:
    for size in (1, 7, 40):
        reader = ResponseReader()
        for _ in range(2):
            reader.start()
            for at in range(0, len(TAKEN[name]), size):
                reader.feed(TAKEN[name][at : at + size])
            assert (reader.status, reader.excerpt, reader.done) == (200, b"ok", True), size
            assert reader.failure is None
            assert reader.reusable


#: More digits than Python makes a number of.
DIGITS = b"1" * 5000

REFUSED = {
    "different values": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "twice, with different values",
    ),
    "a list of different ones": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab",
        "Content-Length is not a number",
    ),
    "no number": (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab", "is not a number"),
    "a number that cannot be, twice": (
        b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: " + DIGITS + b"\r\n") * 2 + b"\r\nab",
        "is not a number that can be",
    ),
    "a list of such": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, " + DIGITS + b"\r\n\r\nab",
        "is not a number",
    ),
    "one of them such": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: " + DIGITS + b"\r\n\r\nab",
        "twice, with different values",
    ),
    "two framings": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "both Content-Length and Transfer-Encoding",
    ),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", "It begins with 'SSH-2.0-OpenSSH_9.6'"),
    "HTTP/2": (b"HTTP/2 200 OK\r\n\r\n", "does not begin with HTTP/1.1"),
    "a space before the colon": (
        b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok",
        "a header's name has a character",
    ),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "its status is not a number"),
    "CR alone": (b"HTTP/1.1 200 OK\rX: y\r\r", "a CR stands without the LF"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_says_exactly_why(name: str) -> None:
    answer, why = REFUSED[name]
    async with receiver(answering(answer, close=True)) as server, transport() as client:
        result = await post(client, server.url)
    assert (result.outcome, result.status_code) == (Outcome.PROTOCOL, None)
    assert why in result.detail
