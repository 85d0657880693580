"""Answers that no provider should give, and a client has to survive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

from aiohttp import web

#: Of the body that never ends, and of each write of it.
HUGE_BYTES: Final = 100 * 1024 * 1024
_CHUNK: Final = b" " * (64 * 1024)

#: What the trap `rate_limited` asks for, seconds.
RETRY_AFTER_S: Final = 7

_DEEP: Final = 100_000


class Trap(StrEnum):
    """One way to answer everything."""

    HTML = "html"
    HANGING = "hanging"
    HANGING_BODY = "hanging_body"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    HUGE = "huge"
    HUGE_DECLARED = "huge_declared"
    CUT = "cut"
    CLOSED = "closed"
    EMPTY = "empty"
    NULL = "null"
    WORD = "word"
    DEEP = "deep"
    LONG_NUMBER = "long_number"
    NOT_A_NUMBER = "not_a_number"
    NOT_UTF8 = "not_utf8"
    COMPRESSED = "compressed"
    REDIRECT = "redirect"
    UNKNOWN_ERROR = "unknown_error"


Answer = Callable[[web.Request, Callable[[int], None]], Awaitable[web.StreamResponse]]


def _json(text: bytes, status: int = 200) -> web.Response:
    return web.Response(body=text, status=status, content_type="application/json")


_BODIES: Final[dict[Trap, Callable[[], web.Response]]] = {
    Trap.HTML: lambda: web.Response(text="<html>Just a moment...</html>", content_type="text/html"),
    Trap.SERVER_ERROR: lambda: _json(b'{"error":"oops"}', 500),
    Trap.UNAUTHORIZED: lambda: _json(b'{"error":"unauthorized"}', 401),
    Trap.EMPTY: lambda: _json(b""),
    Trap.NULL: lambda: _json(b"null"),
    Trap.WORD: lambda: _json(b'"ok"'),
    Trap.DEEP: lambda: _json(b"[" * _DEEP + b"]" * _DEEP),
    Trap.LONG_NUMBER: lambda: _json(b'{"amount":' + b"9" * _DEEP + b"}"),
    Trap.NOT_A_NUMBER: lambda: _json(b'{"amount":NaN}'),
    Trap.NOT_UTF8: lambda: _json(b'{"a":"\xff\xfe"}'),
    Trap.UNKNOWN_ERROR: lambda: _json(b'{"something":"else"}', 418),
}


async def answer(
    trap: Trap, request: web.Request, sent: Callable[[int], None]
) -> web.StreamResponse:
    """Answer a request with a trap; `sent` is told how many bytes went out."""
    made = _BODIES.get(trap)
    if made is not None:
        return made()
    if trap is Trap.RATE_LIMITED:
        response = _json(b'{"error":"too many"}', 429)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response
    if trap is Trap.REDIRECT:
        return web.Response(status=302, headers={"Location": "/elsewhere"})
    if trap is Trap.COMPRESSED:
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    if trap is Trap.CLOSED:
        assert request.transport is not None
        request.transport.close()
        return web.Response()
    if trap is Trap.HANGING:
        await asyncio.Event().wait()
    return await _streamed(trap, request, sent)


async def _streamed(
    trap: Trap, request: web.Request, sent: Callable[[int], None]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if trap in (Trap.HUGE_DECLARED, Trap.CUT):
        response.content_length = HUGE_BYTES
    await response.prepare(request)
    if trap is Trap.HANGING_BODY:
        await response.write(b'{"a":')
        await asyncio.Event().wait()
    if trap is Trap.CUT:
        await response.write(b'{"a":1}')
        assert request.transport is not None
        request.transport.close()
        return response
    for _ in range(HUGE_BYTES // len(_CHUNK)):
        await response.write(_CHUNK)
        sent(len(_CHUNK))
    return response
