"""What a connection may take: time for the head and the body of a request, bytes for its head and
for what is sent around its body.

uvicorn bounds a connection that is idle between two requests, and nothing else: a client that sends
a byte now and then would hold it for ever. Each connection here has one deadline, which the phase
that it is in sets; nothing that arrives within a phase moves it. One timer follows the deadline, so
that a quick request costs no timer of its own.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from privata.core.ids import new_request_id

log = logging.getLogger(__name__)

#: Bytes of a request's line and headers; ours have about one thousand.
MAX_HEAD_BYTES: Final = 64 * 1024

#: Bytes around a chunked body, beyond `BYTES_OF_A_CHUNK` for each chunk: extensions and trailers,
#: which nobody sends us and nothing here reads.
MAX_AROUND_BYTES: Final = 64 * 1024

#: What an honest chunk costs besides what it carries: its length in hexadecimal and two ends of
#: lines. A body in chunks of one byte has five or six around each, and is welcome.
BYTES_OF_A_CHUNK: Final = 16

_CODE: Final = "VALIDATION_ERROR"

NO_HTTP: Final = (
    "This is not a valid HTTP/1.1 request. Check its first line, its headers, and the length of its"
    " body."
)

_TOO_LARGE: Final = f"The request line and headers exceed {MAX_HEAD_BYTES} bytes."

_TOO_MUCH_AROUND: Final = (
    f"The trailers and chunk extensions around the request body exceed {MAX_AROUND_BYTES} bytes."
    " Leave them out."
)

#: So long is read, and dropped, what a client still sends when it has been refused: a connection
#: closed with something unread is reset, and a reset may overtake the answer. Seconds.
_LINGER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for a request's head, from its first byte or the connection's beginning; for its
    body; and for the silence between two requests."""

    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: int = 75


#: Of servers without settings.
USUAL: Final = Patience()


class _Phase(Enum):
    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()
    REFUSED = auto()


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is cut when a request takes too long to arrive."""

    patience: ClassVar[Patience] = USUAL

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._phase = _Phase.BETWEEN
        self._head_bytes = 0
        self._head_too_large = False
        self._ended_a_request = False
        self._body_bytes = self._chunks = self._piece_bytes = 0  # of what is being read
        self._around_bytes = self._bare_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None
        self._set_deadline(self.patience.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.REFUSED:
            return  # read, so that the client can read why before its connection is reset
        self._ended_a_request = False
        self._body_bytes = self._chunks = 0
        self._piece_bytes = len(data)
        in_body = self._phase is _Phase.BODY
        super().data_received(data)
        if self.transport.is_closing():
            return
        if in_body and not self._ended_a_request and self._too_much_around(len(data)):
            self._refuse(431, _TOO_MUCH_AROUND)
            return
        # What came in one piece with the end of another request is not counted: how much of it
        # is this head's is not known, and it is one piece.
        if self._phase is _Phase.HEAD and not self._ended_a_request:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, _TOO_LARGE)
                return
        if self._deadline is None:
            if self._phase is _Phase.HEAD:
                self._set_deadline(self.patience.head_s)
            elif self._phase is _Phase.BODY:
                self._set_deadline(self.patience.body_s)
            elif not self._answering:
                # Empty lines before a request are no request, but end uvicorn's idle timer.
                self._set_deadline(self.patience.head_s)

    def _too_much_around(self, size: int) -> bool:
        """Count a piece of `size` bytes out of the middle of a body.

        Before a trailer is told of, the parser puts it together, each time anew: counted is what
        arrives. Two bounds, since chunks may be many: all that is around them, and what comes with
        no body between, such as trailers, whatever number of chunks was before.
        """
        self._around_bytes += size - self._body_bytes - BYTES_OF_A_CHUNK * self._chunks
        self._bare_bytes = 0 if self._body_bytes else self._bare_bytes + size
        return max(self._around_bytes, self._bare_bytes) > MAX_AROUND_BYTES

    # What the parser tells. Some begin a phase, whose deadline is set when the bytes are read.

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._deadline, self._head_bytes = _Phase.HEAD, None, 0

    def on_headers_complete(self) -> None:
        # Only what came in large pieces can be too large.
        if self._head_bytes + self._piece_bytes > MAX_HEAD_BYTES:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            self._head_too_large = size > MAX_HEAD_BYTES
        if self._head_too_large:
            raise ValueError(_TOO_LARGE)  # ends the parsing, and comes back as a bad request
        super().on_headers_complete()
        # After it: an address that is none is refused there, as a head that is none.
        self._phase, self._deadline = _Phase.BODY, None
        self._around_bytes = self._bare_bytes = 0
        # The request has its headers. Trailers go into a list that nobody reads: in that of the
        # request they would count as headers that no proxy has seen.
        self.headers = []

    def on_message_complete(self) -> None:
        self._phase, self._deadline, self._ended_a_request = _Phase.BETWEEN, None, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets the one shape of our errors."""
        if self._head_too_large:
            self._refuse(431, _TOO_LARGE)
        else:
            self._refuse(400, NO_HTTP)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["http_version"] == "1.0":
            app = _unchunked(app, cycle)
        super()._start_asgi_task(cycle, app)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None or self.transport.is_closing():
            return
        if self.loop.time() < self._deadline:  # the timer is of an earlier phase
            self._timer = self.loop.call_at(self._deadline, self._look)
            return
        self._deadline = None
        self._late()

    def _late(self) -> None:
        if self._phase is _Phase.BETWEEN:
            if not self._answering:
                self.transport.close()  # it has asked for nothing
        elif self._phase is _Phase.REFUSED:
            self.transport.abort()
        elif self._phase is _Phase.HEAD:
            seconds = self.patience.head_s
            self._refuse(408, f"The request headers did not arrive within {seconds:g} seconds.")
        elif self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._set_deadline(self.patience.body_s)  # it waits for us
        else:
            seconds = self.patience.body_s
            self._refuse(408, f"The request body did not arrive within {seconds:g} seconds.")

    def _refuse(self, status: int, message: str) -> None:
        """Answer, unless another answer has begun, and end the connection."""
        cycle = self.cycle
        if self._phase is _Phase.BODY:
            silent = cycle.response_started or bool(self.pipeline)
        else:
            silent = self._answering
        if silent:
            self.transport.close()
            return
        asked = {} if cycle is None or self._phase is not _Phase.BODY else dict(cycle.scope)
        request_id = str(asked.get("privata.request_id") or new_request_id())
        log.info("%s %d: %s", request_id, status, message)
        body = msgspec.json.encode(
            {"error": {"code": _CODE, "message": message, "request_id": request_id}}
        )
        head = [
            STATUS_LINE[status],
            *(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers),
            b"content-type: application/json\r\n",
            b"content-length: %d\r\n" % len(body),
            b"cache-control: no-store\r\n",
            b"x-content-type-options: nosniff\r\n",
            b"x-request-id: %b\r\n" % request_id.encode(),
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(b"".join([*head, body]))
        if self._phase is _Phase.BODY:
            # What the application still answers is dropped, and its reading of the body ends.
            cycle.disconnected = True
            cycle.waiting_for_100_continue = False
            cycle.message_event.set()
        self._phase = _Phase.REFUSED
        self.transport.write_eof()
        self.flow.resume_reading()
        self._set_deadline(_LINGER_S)


def protocol_with(patience: Patience) -> type[BoundedProtocol]:
    """The protocol with these limits, for `uvicorn.Config(http=…)`."""
    return type("PatientProtocol", (BoundedProtocol,), {"patience": patience})


def _unchunked(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """An application whose answers go to HTTP/1.0: it knows no chunks (RFC 9112, 6.1).

    An answer without a length ends with the connection, which uvicorn closes after it anyway.
    """

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        open_ended = False

        async def send_plain(message: Message) -> None:
            nonlocal open_ended
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message.get("headers", ())}
                open_ended = b"content-length" not in names
                if open_ended:
                    cycle.chunked_encoding = False
            elif open_ended:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return plain
