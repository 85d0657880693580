"""One HTTP/1.1 request as bytes, and a reader of the response that never takes too much.

RFC 9112 for the wire. The parser is httptools (llhttp); the limits are ours, and they count every
byte of the wire: chunk sizes and their extensions, trailers and interim answers as well as what
becomes a header or a body. Nothing is ever decompressed: `Accept-Encoding: identity` asks for plain
bytes, and a server that sends gzip all the same gets its bytes kept as they are.

What every browser reads is read: lines that end in LF alone, folded headers (RFC 9112, 5.2), spaces
behind a chunk's size, a Content-Length that is said twice alike (RFC 9110, 8.6). What is refused
says why, in the parser's words or ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import httptools

from privata.webhooks.outcomes import Outcome
from privata.webhooks.transport.guard import Target

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 200
MAX_BODY_BYTES: Final = 64 * 1024
MAX_INTERIM: Final = 10
SHOWN_BYTES: Final = 40
EXCERPT_BYTES: Final = 1024
KEPT_HEADERS: Final = 50
KEPT_HEADER_CHARS: Final = 512

#: Of all names and values together; an attempt is a row of a log.
KEPT_HEAD_CHARS: Final = 2048

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


_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
# As many digits as a length can have: of thousands Python refuses to make a number. What is longer
# stays as it is and keeps the parser's refusal.
_LENGTH_LINE: Final = re.compile(
    rb"(?im)^content-length[ \t]*:[ \t]*"
    rb"([0-9]{1,19}(?:[ \t]*,[ \t]*[0-9]{1,19})*)[ \t]*\r?\n"
)
_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1[0-9][0-9]")

#: The parser's words for lengths that a closer look may find to be equal.
_LENGTH_ERRORS: Final = frozenset(
    {"Duplicate Content-Length", "Invalid character in Content-Length"}
)

#: Better words for what the parser says; what is not named here is said as the parser says it.
_WHY: Final[dict[str, str]] = {
    "Duplicate Content-Length": "it says Content-Length twice, with different values",
    "Invalid character in Content-Length": "its Content-Length is not a number",
    "Content-Length overflow": "its Content-Length is not a number that can be",
    "Content-Length can't be present with Transfer-Encoding": (
        "it says both Content-Length and Transfer-Encoding, and they contradict each other"
    ),
    "Transfer-Encoding can't be present with Content-Length": (
        "it says both Content-Length and Transfer-Encoding, and they contradict each other"
    ),
    "Invalid header token": "a header's name has a character that none may have",
    "Expected HTTP/, RTSP/ or ICE/": "it does not begin with HTTP/1.1",
    "Expected dot": "it does not begin with HTTP/1.1",
    "Invalid HTTP version": "it does not begin with HTTP/1.1",
    "Invalid status code": "its status is not a number of three digits",
    "Expected LF after CR": "a CR stands without the LF that ends a line",
}


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
        self._parser = _parser(self)
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
        self.keeps_alive = False
        self.failure: Outcome | None = None
        self.detail = ""
        self._cut = False
        self._interim = 0
        self._head = bytearray()
        self._after_head = 0
        self._mending = False
        self._mended = False
        self._head_bytes = 0
        self._head_count = 0

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; never raises."""
        self.any_bytes = True
        if self.head_complete:
            # Counted as they come: framing that never becomes a body reaches no callback.
            self._after_head += len(data)
            if self._after_head > MAX_BODY_BYTES:
                data = data[: len(data) - (self._after_head - MAX_BODY_BYTES)]
                self._parse(data)
                self._cut_off()
                return
            self._parse(data)
            return
        room = MAX_HEAD_BYTES + MAX_BODY_BYTES - len(self._head)
        self._head += data[:room]
        if self._mending:
            self._mend()
        else:
            self._parse(data[:room])
        # A header that never ends reaches no callback, so what was fed is counted as well.
        if not self.head_complete and not self.done and len(self._head) > MAX_HEAD_BYTES:
            self._fail(Outcome.TOO_LARGE, f"Headers over {MAX_HEAD_BYTES // 1024} KiB.")
        elif self.head_complete:
            _, end = self._final_head()
            self._after_head = len(self._head) - end
            if self._after_head > MAX_BODY_BYTES or len(data) > room:
                self._cut_off()
            self._head.clear()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            why = str(error)
            stopped = isinstance(error.__context__, _Stop)
            if not self.head_complete and not self._mended and why in _LENGTH_ERRORS:
                self._mending = True
                self._mend()
                return
            self.done, self.reusable = True, False
            if not stopped and not self.head_complete and self.failure is None:
                self._fail(Outcome.PROTOCOL, self._refusal(why))

    def _mend(self) -> None:
        """Read the head again with one Content-Length where several say the same."""
        begin, end = self._final_head()
        if not end:
            return  # the rest of it is still to come
        self._mending, self._mended = False, True
        head, rest = bytes(self._head[begin:end]), bytes(self._head[end:])
        lines = list(_LENGTH_LINE.finditer(head))
        values = {int(value) for line in lines for value in line[1].split(b",")}
        if lines and len(values) == 1:
            first = lines[0]
            once = b"Content-Length: %d\r\n" % values.pop()
            tail = _LENGTH_LINE.sub(b"", head[first.end() :])
            head = head[: first.start()] + once + tail
        self._parser = _parser(self)
        self.headers.clear()
        self._head_count = self._head_bytes = 0
        self._parse(head + rest)

    def _final_head(self) -> tuple[int, int]:
        """Where the head that is no interim answer begins, and ends; 0: the end is not here yet."""
        begin = 0
        while _INTERIM.match(self._head, begin):
            blank = _BLANK_LINE.search(self._head, begin)
            if blank is None:
                return begin, 0
            begin = blank.end()
        blank = _BLANK_LINE.search(self._head, begin)
        return begin, blank.end() if blank is not None else 0

    def _refusal(self, why: str) -> str:
        begins = safe_text(bytes(self._head[:SHOWN_BYTES]).split(b"\n")[0].rstrip())
        reason = _WHY.get(why, why[:1].lower() + why[1:])
        return f"The answer is not HTTP/1.1: {reason}. It begins with {begins!r}."

    def _cut_off(self) -> None:
        """No more is read; the status stands."""
        if not self.done:
            self.done, self._cut = True, True
        self.reusable = False

    @property
    def truncated(self) -> bool:
        """Whether there is, or may be, more of the body than the excerpt."""
        return self._cut or self.body_bytes > len(self.excerpt)

    def kept_headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case and values, bounded in number and length, safe to store."""
        kept, room = [], KEPT_HEAD_CHARS
        for name, value in self.headers[:KEPT_HEADERS]:
            pair = safe_text(name.lower())[:KEPT_HEADER_CHARS], safe_text(value[:KEPT_HEADER_CHARS])
            room -= len(pair[0]) + len(pair[1])
            if room < 0:
                break
            kept.append(pair)
        return tuple(kept)

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
            self._cut_off()
            raise _Stop

    def on_message_complete(self) -> None:
        if not self.head_complete:
            self.headers.clear()  # an interim answer; the final one follows
            return
        self.done = True
        self.keeps_alive = self.reusable = self._parser.should_keep_alive()

    def _fail(self, outcome: Outcome, detail: str) -> None:
        self.failure, self.detail, self.done, self.reusable = outcome, detail, True, False


def _parser(reader: ResponseReader) -> httptools.HttpResponseParser:
    """A parser that reads what every browser reads.

    The leniencies are dangerous to servers and proxies, where another reader of the same bytes may
    see another request. Here nobody reads after us, and only the status and an excerpt are kept.
    """
    parser = httptools.HttpResponseParser(reader)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser


def safe_text(data: bytes) -> str:
    """Bytes from a stranger as text that a database and a page can hold."""
    if data.isascii() and (text := data.decode("ascii")).isprintable():
        return text
    text = _UNSAFE.sub("\ufffd", data.decode("utf-8", "replace"))
    if text.count("\ufffd") > len(text) // 4:
        return f"(binary, {len(data)} bytes)"
    # A cut in the middle of a character leaves a mark that says nothing.
    return text.removesuffix("\ufffd")
