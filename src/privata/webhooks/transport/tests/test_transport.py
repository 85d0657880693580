"""The transport against servers that behave: what goes out, what comes back, what is reused."""

from __future__ import annotations

import asyncio
import logging

import pytest

from privata.webhooks.outcomes import Outcome, Phase
from privata.webhooks.tests.receivers import (
    DEVELOPMENT,
    OK,
    Names,
    answering,
    post,
    read_request,
    receiver,
    transport,
)
from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import OutboundRequest

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_the_request_is_exactly_this() -> None:
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url, body=b"\x00\xff{}")
    assert seen == [
        b"POST /hook?a=1 HTTP/1.1\r\n"
        b"Host: localhost:%d\r\n"
        b"Accept: */*\r\n"
        b"Accept-Encoding: identity\r\n"
        b"Content-Type: application/json\r\n"
        b"X-Privata-Attempt: 1\r\n"
        b"Content-Length: 4\r\n\r\n"
        b"\x00\xff{}" % server.port
    ]
    assert (result.outcome, result.status_code, result.response_excerpt) == ("delivered", 200, "ok")
    assert (result.address, result.reused, result.truncated) == ("127.0.0.1", False, False)
    assert result.response_headers == (("content-length", "2"),)
    assert result.duration_ms > 0


@pytest.mark.parametrize(
    ("response", "outcome", "status", "excerpt"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "delivered", 204, ""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "redirect", 304, ""),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nboom", "http_error", 500, "boom"),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "http_error", 410, ""),
        (
            CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nTrailer: x\r\n\r\n",
            "delivered",
            200,
            "abcde",
        ),
        (b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK, "delivered", 200, "ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK, "delivered", 200, "ok"),
    ],
)
async def test_answers_that_keep_the_connection(
    response: bytes, outcome: str, status: int, excerpt: str
) -> None:
    async with receiver(answering(response)) as server, transport() as client:
        first = await post(client, server.url)
        second = await post(client, server.url)
    for result in (first, second):
        assert (result.outcome, result.status_code) == (outcome, status)
        assert result.response_excerpt == excerpt
        assert "link" not in dict(result.response_headers)
    assert (first.reused, second.reused, server.connections) == (False, True, 1)
    assert (client.stats.opened, client.stats.reused) == (1, 1)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_answers_that_end_the_connection(response: bytes) -> None:
    async with receiver(answering(response)) as server, transport() as client:
        results = [await post(client, server.url) for _ in range(2)]
    assert [result.outcome for result in results] == ["delivered", "delivered"]
    assert server.connections == 2


async def test_a_body_that_ends_with_the_connection() -> None:
    script = answering(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", close=True)
    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url)
    assert (result.outcome, result.response_excerpt) == ("delivered", "until the end")


async def test_redirects_are_not_followed() -> None:
    response = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with receiver(answering(response)) as server, transport() as client:
        result = await post(client, server.url)
    assert (result.outcome, result.status_code) == (Outcome.REDIRECT, 302)
    assert result.detail == "Location: /elsewhere"
    assert server.connections == 1


async def test_a_stale_connection_is_retried_once_on_a_fresh_one() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await reader.read(1)  # the second request begins, and is cut
        writer.transport.abort()

    async with receiver(script) as server, transport() as client:
        await post(client, server.url)
        result = await post(client, server.url)
    assert (result.outcome, result.reused) == (Outcome.DELIVERED, False)
    assert (server.connections, client.stats.stale_retries) == (2, 1)


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "notice",
    [
        TIMED_OUT + b"Content-Length: 0\r\n\r\n",
        TIMED_OUT + b"\r\nuntil the end",
        b"HTTP/1.0 408 Request Time-out\r\nCache-Control: no-cache\r\n\r\n<html>idle</html>",
    ],
)
async def test_a_408_with_close_on_a_kept_connection_is_the_notice_of_an_idle_one(
    notice: bytes,
) -> None:
    """It was taken for an answer, and the delivery waited a minute for its retry."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await reader.read(1)  # the second request crosses the notice
        writer.write(notice)
        await writer.drain()

    async with receiver(script) as server, transport() as client:
        await post(client, server.url)
        result = await post(client, server.url)
    assert (result.outcome, result.reused) == (Outcome.DELIVERED, False)
    assert (server.connections, client.stats.stale_retries) == (2, 1)


@pytest.mark.parametrize("kept", [True, False])
async def test_any_other_408_is_an_answer(kept: bool) -> None:
    """On a fresh connection, or where the connection goes on."""
    answers = [OK, b"HTTP/1.1 408 No\r\nContent-Length: 0\r\n\r\n"]
    if not kept:
        answers = [TIMED_OUT + b"Content-Length: 0\r\n\r\n"]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            writer.write(answer)
            await writer.drain()

    async with receiver(script) as server, transport() as client:
        for _ in answers:
            result = await post(client, server.url)
    assert (result.outcome, result.status_code) == (Outcome.HTTP_ERROR, 408)
    assert (server.connections, client.stats.stale_retries) == (1, 0)


async def test_a_fresh_connection_that_is_cut_is_not_retried() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url)
    assert result.outcome is Outcome.CONNECTION
    assert server.connections == 1


async def test_an_idle_connection_that_speaks_is_dropped() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake")
        await reader.read()

    async with receiver(script) as server, transport() as client:
        await post(client, server.url)
        while client.open_connections:
            await asyncio.sleep(0.01)
        result = await post(client, server.url)
    assert (result.response_excerpt, result.reused) == ("ok", False)


async def test_an_answer_glued_to_the_first_is_never_used() -> None:
    fake = b"HTTP/1.1 500 Fake\r\nContent-Length: 0\r\n\r\n"
    async with receiver(answering(OK + fake)) as server, transport() as client:
        results = [await post(client, server.url) for _ in range(3)]
    assert [result.status_code for result in results] == [200, 200, 200]
    assert server.connections == 3


async def test_connections_are_shared_by_nobody_and_bounded() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            await asyncio.sleep(0.01)
            writer.write(OK)

    async with receiver(script) as server, transport(max_connections=4) as client:
        results = await asyncio.gather(*(post(client, server.url) for _ in range(20)))
        assert {result.outcome for result in results} == {Outcome.DELIVERED}
        assert server.connections == 4
        assert client.open_connections == 4
        async with receiver(script) as other:
            await post(client, other.url)
            assert client.open_connections == 4


async def test_idle_connections_are_closed_in_time() -> None:
    async with receiver(answering(OK)) as server, transport(idle_seconds=0.02) as client:
        await post(client, server.url)
        while client.open_connections:
            await asyncio.sleep(0.01)
        assert (await post(client, server.url)).reused is False


async def test_refused_port() -> None:
    async with receiver(answering(OK)) as server:
        url = server.url
    async with transport() as client:
        result = await post(client, url)
    assert (result.outcome, result.phase) == (Outcome.CONNECTION, Phase.CONNECT)
    assert "refused" in result.detail


@pytest.mark.parametrize("url", ["http://a.com/", "https://10.0.0.1/", "https://x.internal/", ""])
async def test_refused_urls_are_blocked(url: str) -> None:
    async with transport() as client:
        result = await post(client, url)
    assert result.outcome is Outcome.BLOCKED
    assert result.reason
    assert client.stats.opened == 0


async def test_one_private_answer_blocks_the_host_without_a_connection() -> None:
    async with receiver(answering(OK)) as server:
        names = Names({"mixed.example.com": ["93.184.215.14", "127.0.0.1"]})
        policy = Policy(extra_ports=frozenset({server.port}))
        async with transport(Resolver(lookup=names)) as client:
            result = await post(client, f"https://mixed.example.com:{server.port}/", policy=policy)
    assert (result.outcome, result.reason) == (Outcome.BLOCKED, "loopback: 127.0.0.1")
    assert server.connections == 0


async def test_a_header_that_cannot_be_sent_is_our_own_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = [("X-A", "b\r\nX-C: d"), ("Host", "evil"), ("X A", "b"), ("X-A", "\u20ac"), ("X-A", " b")]
    async with receiver(answering(OK)) as server, transport() as client:
        for header in bad:
            with caplog.at_level(logging.ERROR):
                result = await client.send(
                    OutboundRequest(server.url, [header], b"", DEVELOPMENT, 5.0, "dlv_7")
                )
            assert (result.outcome, result.reason) == (Outcome.INTERNAL, "ValueError")
    assert server.connections == 0
    assert caplog.text.count("dlv_7") >= len(bad)


async def test_cancelling_drops_the_connection() -> None:
    arrived = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    async with receiver(script) as server, transport() as client:
        task = asyncio.create_task(post(client, server.url))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while client.open_connections:
            await asyncio.sleep(0.01)
