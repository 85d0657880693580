"""What goes over a stream, encoded once for all that get it: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from privata.streams.rules import LAST_TYPES

#: What a client waits before it connects again, milliseconds.
RETRY_MS: Final = 2000

Message = dict[str, Any]


def body_message(body: bytes, *, more: bool = True) -> Message:
    """A part of an answer's body as ASGI takes it."""
    return {"type": "http.response.body", "body": body, "more_body": more}


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as it is written to every stream of its order; `last` says that none follows."""

    seq: int
    event_id: str
    message: Message
    last: bool


def frame_of(seq: int, event_id: str, event_type: str, body: bytes) -> Frame:
    """The frame of an event. `body` is what webhooks carry: JSON, so it has no line breaks."""
    text = b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), event_type.encode(), body)
    return Frame(seq, event_id, body_message(text), event_type in LAST_TYPES)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written beside events."""

    message: Message


Part = Frame | Mark

#: Sent at once, so that client and proxies see that the stream is open.
HELLO: Final = Mark(body_message(b"retry: %d\n\n" % RETRY_MS))

#: Shows that the connection lives, and finds out when it does not.
BEAT: Final = Mark(body_message(b": beat\n\n"))

FAREWELL: Final = Mark(body_message(b"", more=False))
