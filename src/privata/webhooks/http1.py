"""One HTTP/1.1 request as bytes, and a reader of the response that never takes too much.

RFC 9112 for the wire. The parser is httptools (llhttp); the limits are ours. Nothing is ever
decompressed: `Accept-Encoding: identity` asks for plain bytes, and a server that sends gzip all
the same gets its bytes kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import httptools

from privata.webhooks.guard import Target
from privata.webhooks.outcomes import Outcome

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 200
MAX_BODY_BYTES: Final = 64 * 1024
MAX_INTERIM: Final = 10
EXCERPT_BYTES: Final = 1024
KEPT_HEADERS: Final = 50
KEPT_HEADER_CHARS: Final = 512

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|")
# What this module decides alone, and what would carry state from one partner to another.
_OURS: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te"),
        *("accept-encoding", "expect", "upgrade", "trailer", "cookie"),
        *("proxy-authorization", "proxy-connection"),
    }
)
# What is not shown: control characters, marks that reverse the reading order, half characters.
_UNSAFE: Final = re.compile(
    r"[^\t\n\r\x20-\x7e\u00a1-\u200a\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd"
    r"\U00010000-\U0010ffff]"
)


def request_start(target: Target) -> bytes:
    """The lines that depend on the URL alone."""
    return (
        f"POST {target.path_and_query} HTTP/1.1\r\nHost: {target.host_header}\r\n"
        "Accept: */*\r\nAccept-Encoding: identity\r\n"
    ).encode("ascii")


def encode_request(start: bytes, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """The whole request. Raises `ValueError` for a header that cannot be sent: our own mistake."""
    lines = []
    for name, value in headers:
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"not a header for this request: {name!r}")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} cannot be sent")
        lines.append(f"{name}: {value}\r\n")
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return b"".join((start, "".join(lines).encode("latin-1"), body))


class _Stop(Exception):
    """Ends the parser from inside a callback; why is already in the reader."""


class ResponseReader:
    """Reads one response after another from one connection.

    After each `feed`: `done` says that nothing more is needed, `failure` that what came is not
    an acceptable response. Once `head_complete`, the status counts whatever happens to the body:
    the receiver has taken its decision.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.start()

    def start(self) -> None:
        """Forget the last response."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.excerpt = b""
        self.body_bytes = 0
        self.any_bytes = False
        self.head_complete = False
        self.done = False
        self.reusable = False
        self.failure: Outcome | None = None
        self.detail = ""
        self._interim = 0
        self._head_fed = 0
        self._head_bytes = 0
        self._head_count = 0

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; never raises."""
        self.any_bytes = True
        if not self.head_complete:
            self._head_fed += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.done, self.reusable = True, False
            stopped = isinstance(error.__context__, _Stop)
            if not stopped and not self.head_complete and self.failure is None:
                self._fail(Outcome.PROTOCOL, "The bytes are not an HTTP/1.1 response.")
            return
        # A header that never ends reaches no callback, so what was fed is counted as well.
        if not self.head_complete and self._head_fed > MAX_HEAD_BYTES:
            self._fail(Outcome.TOO_LARGE, f"Headers over {MAX_HEAD_BYTES // 1024} KiB.")

    @property
    def truncated(self) -> bool:
        """Whether the body is longer than the excerpt."""
        return self.body_bytes > len(self.excerpt)

    def kept_headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case and values, bounded in number and length, safe to store."""
        return tuple(
            (safe_text(name.lower())[:KEPT_HEADER_CHARS], safe_text(value[:KEPT_HEADER_CHARS]))
            for name, value in self.headers[:KEPT_HEADERS]
        )

    # The parser's callbacks.

    def on_message_begin(self) -> None:
        if self.done:
            # Bytes nobody asked for: they could pass as the answer to the next request.
            self.reusable = False
            raise _Stop

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_complete:
            return  # a trailer of a chunked body
        self._head_count += 1
        self._head_bytes += len(name) + len(value) + 4
        if self._head_count > MAX_HEADERS:
            self._fail(Outcome.TOO_LARGE, f"More than {MAX_HEADERS} headers.")
            raise _Stop
        if self._head_bytes > MAX_HEAD_BYTES:
            self._fail(Outcome.TOO_LARGE, f"Headers over {MAX_HEAD_BYTES // 1024} KiB.")
            raise _Stop
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            self.head_complete = True
            return
        self._interim += 1
        if status == 101 or self._interim > MAX_INTERIM:
            what = "Switched protocols." if status == 101 else "Too many interim answers (1xx)."
            self._fail(Outcome.PROTOCOL, what)
            raise _Stop

    def on_body(self, data: bytes) -> None:
        if len(self.excerpt) < EXCERPT_BYTES:
            self.excerpt += data[: EXCERPT_BYTES - len(self.excerpt)]
        self.body_bytes += len(data)
        if self.body_bytes > MAX_BODY_BYTES:
            self.done = True
            raise _Stop

    def on_message_complete(self) -> None:
        if not self.head_complete:
            self.headers.clear()  # an interim answer; the final one follows
            return
        self.done = True
        self.reusable = self._parser.should_keep_alive()

    def _fail(self, outcome: Outcome, detail: str) -> None:
        self.failure, self.detail, self.done, self.reusable = outcome, detail, True, False


def safe_text(data: bytes) -> str:
    """Bytes from a stranger as text that a database and a page can hold."""
    if data.isascii() and (text := data.decode("ascii")).isprintable():
        return text
    text = _UNSAFE.sub("\ufffd", data.decode("utf-8", "replace"))
    if text.count("\ufffd") > len(text) // 4:
        return f"(binary, {len(data)} bytes)"
    # A cut in the middle of a character leaves a mark that says nothing.
    return text.removesuffix("\ufffd")
