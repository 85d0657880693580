"""Headers that every answer carries, whichever plane it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]

#: Browsers take an answer for what it says it is.
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")

#: A year, which is the least that lists of preloaded hosts take.
HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

#: What is no page is not shown as one, nor inside of one (OWASP, REST Security Cheat Sheet).
NO_PAGE: Final[Headers] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class SafeHeaders:
    """Adds what an answer lacks; `https` says whether people come over TLS.

    TLS ends in the proxy in front of us, so the public address tells. Where a trusted proxy says
    that a request came to it in the clear, the answer has no HSTS (RFC 6797, 7.2).
    """

    def __init__(self, app: ASGIApp, *, https: bool, more: Headers = ()) -> None:
        self.app = app
        clear = (NOSNIFF, *more)
        self._headers = {True: (*clear, HSTS) if https else clear, False: clear}
        #: As Starlette writes the names, and as Django does.
        self._names = frozenset(name for one, _ in (*clear, HSTS) for name in (one, one.title()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self._headers[not scope.get(CAME_IN_THE_CLEAR, False)]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                message["headers"] = [*given, *self._lacking(given, headers)]
            await send(message)

        await self.app(scope, receive, with_headers)

    def _lacking(self, given: Iterable[tuple[bytes, bytes]], headers: Headers) -> Headers:
        present = [name.lower() for name, _ in given if name in self._names]
        if not present:
            return headers
        return tuple(one for one in headers if one[0] not in present)


#: Set in the scope of a request that a trusted proxy took without TLS.
CAME_IN_THE_CLEAR: Final = "privata.clear"
