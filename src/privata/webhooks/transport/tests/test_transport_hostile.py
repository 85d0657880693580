"""Hostile receivers: each ends in a known class, in time, with little memory."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from typing import cast

import pytest

from privata.webhooks.outcomes import Outcome, Phase
from privata.webhooks.tests.receivers import (
    Script,
    answering,
    post,
    read_request,
    receiver,
    transport,
)
from privata.webhooks.transport.http1 import KEPT_HEADERS, MAX_BODY_BYTES, ResponseReader

SHORT = 0.25


def _drip(before: bytes, drop: bytes) -> Script:
    """Answer `before`, then one drop every few milliseconds for ever."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(before)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    return script


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


async def _deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    cast("asyncio.Transport", writer.transport).pause_reading()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("script", "phase", "status"),
    [
        (_silent, Phase.HEADERS, None),
        (_drip(b"HTTP/1.1 200 OK\r\nX: ", b"a"), Phase.HEADERS, None),
        (_drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), Phase.HEADERS, None),
        (_drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"a"), Phase.BODY, 200),
        (_drip(b"HTTP/1.1 200 OK\r\n\r\n", b"a"), Phase.BODY, 200),
        (
            _drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
            Phase.BODY,
            200,
        ),
    ],
)
async def test_the_deadline_spans_everything(
    script: Script, phase: Phase, status: int | None
) -> None:
    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url, deadline_s=SHORT)
        assert (result.outcome, result.phase) == (Outcome.TIMEOUT, phase)
        assert result.status_code == status
        assert result.duration_ms >= SHORT * 1000 - 5
        while client.open_connections:
            await asyncio.sleep(0.01)


async def test_a_receiver_that_does_not_read() -> None:
    async with receiver(_deaf) as server, transport() as client:
        result = await post(client, server.url, deadline_s=SHORT, body=b"x" * 2**24)
    assert (result.outcome, result.phase) == (Outcome.TIMEOUT, Phase.SEND)


async def test_a_port_that_accepts_nothing() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:  # fills the queue of connections nobody accepts
            one.setblocking(False)
            one.connect_ex(bound.getsockname())
        async with transport() as client:
            result = await post(
                client, f"http://localhost:{bound.getsockname()[1]}/", deadline_s=SHORT
            )
        for one in waiting:
            one.close()
    assert result.outcome in {Outcome.TIMEOUT, Outcome.CONNECTION}


def _flood(before: bytes, piece: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(before)
        while True:
            writer.write(piece)
            await writer.drain()

    return script


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n", b"a" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"8\r\naaaaaaaa\r\n" * 64),
    ],
)  # fmt: skip
async def test_a_body_without_end_is_cut_and_the_status_counts(head: bytes, piece: bytes) -> None:
    async with receiver(_flood(head, piece)) as server, transport() as client:
        result = await post(client, server.url)
    assert (result.outcome, result.status_code, result.truncated) == ("delivered", 200, True)
    assert result.response_excerpt == "a" * 1024
    assert server.connections == 1


@pytest.mark.parametrize(
    ("before", "piece", "outcome", "word"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, "too_large", "200 headers"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65536, "too_large", "64 KiB"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n", b"", "too_large", "64 KiB"),
        (b"HTTP/1.1 200 " + b"a" * 70_000, b"a" * 1000, "too_large", "64 KiB"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "protocol", "1xx"),
        (b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"", "protocol", "Switch"),
    ],
)  # fmt: skip
async def test_headers_have_limits(before: bytes, piece: bytes, outcome: str, word: str) -> None:
    script = _flood(before, piece) if piece else answering(before)
    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url)
    assert (result.outcome, result.status_code) == (outcome, None)
    assert word in result.detail


@pytest.mark.parametrize(
    "response",
    [
        b"hello\r\n\r\n",
        b"\x00\x01\x02\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\x00: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: y\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    ],
)
async def test_bad_framing_has_a_class(response: bytes) -> None:
    async with receiver(answering(response, close=True)) as server, transport() as client:
        result = await post(client, server.url)
    assert result.outcome is Outcome.PROTOCOL
    assert result.status_code is None
    assert client.open_connections == 0


CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (CHUNKS + b"1;", b"a" * 65536),
        (CHUNKS, b"1;" + b"x" * 200 + b"\r\na\r\n"),
        (CHUNKS + b"0\r\n", b"T: " + b"v" * 500 + b"\r\n"),
        (CHUNKS + b"0\r\nT: ", b"v" * 65536),
        (CHUNKS + b"0\r\n", b"T: v\r\n"),
    ],
    ids=["one extension", "small chunks", "trailers", "one trailer", "short trailers"],
)  # fmt: skip
async def test_bytes_outside_the_body_count_toward_its_64_kib(before: bytes, piece: bytes) -> None:
    """Extensions and trailers became no body, so they were read without end, at full speed."""
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(before)
        while True:
            writer.write(piece)
            sent += len(piece)
            await writer.drain()

    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url, deadline_s=30.0)
        assert (result.outcome, result.status_code) == (Outcome.DELIVERED, 200)
        assert (result.truncated, result.phase) == (True, None)
        while client.open_connections:
            await asyncio.sleep(0.01)
    # What the kernels of both sides hold comes on top.
    assert sent < 32 * 1024 * 1024


@pytest.mark.parametrize(
    "piece",
    [
        b"HTTP/1.1 103 Early\r\nLink: " + b"a" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
    ],
)
async def test_interim_answers_count_toward_the_64_kib_of_the_headers(piece: bytes) -> None:
    async with receiver(_flood(b"", piece)) as server, transport() as client:
        result = await post(client, server.url, deadline_s=30.0)
    assert result.status_code is None
    assert result.outcome in {Outcome.TOO_LARGE, Outcome.PROTOCOL}
    assert "64 KiB" in result.detail or "1xx" in result.detail


@pytest.mark.parametrize(
    ("script", "phase", "status"),
    [
        (_drip(CHUNKS + b"1;", b"x"), Phase.BODY, 200),
        (_drip(CHUNKS + b"0\r\nT: ", b"x"), Phase.BODY, 200),
        (_drip(CHUNKS + b"0\r\n", b"T: v\r\n"), Phase.BODY, 200),
        (_drip(b"HTTP/1.1 103 Early\r\nLink: ", b"a"), Phase.HEADERS, None),
    ],
)
async def test_bytes_outside_the_body_count_toward_the_deadline(
    script: Script, phase: Phase, status: int | None
) -> None:
    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url, deadline_s=SHORT)
    assert (result.outcome, result.phase, result.status_code) == (Outcome.TIMEOUT, phase, status)


def test_what_is_read_of_an_answer_is_bounded_to_the_byte() -> None:
    """However the bytes are cut into reads, at most 64 KiB after the headers are looked at."""
    for size in (1000, 65536, 10**6):
        reader = ResponseReader()
        data = CHUNKS + b"1;" + b"x" * 10**6
        fed = 0
        while not reader.done:
            reader.feed(data[fed : fed + size])
            fed += size
        assert fed <= len(CHUNKS) + MAX_BODY_BYTES + size
        assert (reader.status, reader.truncated, reader.reusable) == (200, True, False)


async def test_a_broken_chunk_after_a_status_does_not_unsay_it() -> None:
    response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    async with receiver(answering(response)) as server, transport() as client:
        results = [await post(client, server.url) for _ in range(2)]
    assert [(result.outcome, result.status_code) for result in results] == [("delivered", 200)] * 2
    assert server.connections == 2


def _reset_after(sent: bytes, *, read: bool = True) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read:
            await read_request(reader)
        if sent:
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(0.02)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return script


@pytest.mark.parametrize(
    ("script", "outcome", "status"),
    [
        (_reset_after(b"", read=False), "connection", None),
        (_reset_after(b""), "connection", None),
        (_reset_after(b"HTTP/1.1 200 OK\r\nX"), "connection", None),
        (_reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "delivered", 200),
        (_reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "delivered", 200),
        (_reset_after(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc"), "http_error", 500),
        (answering(b"", close=True), "connection", None),
        (answering(b"HTTP/1.1 200 OK\r\nX", close=True), "protocol", None),
    ],
)
async def test_cut_at_various_points(script: Script, outcome: str, status: int | None) -> None:
    async with receiver(script) as server, transport() as client:
        result = await post(client, server.url)
    assert (result.outcome, result.status_code) == (outcome, status)
    assert result.detail or result.status_code
    assert server.connections == 1


async def test_compressed_bytes_stay_as_they_are() -> None:
    bomb = gzip.compress(b"\x00" * 2**24)
    response = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(
        bomb
    )
    async with receiver(answering(response + bomb)) as server, transport() as client:
        result = await post(client, server.url)
    assert len(bomb) < MAX_BODY_BYTES
    assert (result.outcome, result.truncated) == (Outcome.DELIVERED, True)
    assert result.response_excerpt == "(binary, 1024 bytes)"


async def test_what_is_kept_is_bounded_and_safe_to_store() -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 30) for n in range(150))
    body = "é\x00\x1b[31m\u202eabc\ufffe".encode() + b"\xff" + b"z" * 20
    response = b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff\xfe\r\n%bContent-Length: %d\r\n\r\n%b" % (
        headers,
        len(body),
        body,
    )
    async with receiver(answering(response)) as server, transport() as client:
        result = await post(client, server.url)
    assert len(result.response_headers) == KEPT_HEADERS
    assert "\x00" not in result.response_excerpt
    assert "\x1b" not in result.response_excerpt
    assert "\u202e" not in result.response_excerpt
    assert result.response_excerpt.startswith("é\ufffd")


async def test_a_hundred_bodies_without_end_at_once() -> None:
    script = _flood(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536)
    async with receiver(script) as server, transport(max_connections=100) as client:
        results = await asyncio.gather(*(post(client, server.url) for _ in range(100)))
        assert {(result.outcome, result.truncated) for result in results} == {("delivered", True)}
        assert all(set(result.response_excerpt) == {"a"} for result in results)
