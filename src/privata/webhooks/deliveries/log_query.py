"""What a delivery log is asked for, as its address says it. Pure.

Every filter is a word of the query string, so that a copied link reopens the same view; a word
that means nothing is ignored rather than answered with an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from privata.core.cursors import Cursor, parse_uuid_cursor
from privata.webhooks.outcomes import Outcome

PAGE_ROWS: Final = 50
MAX_SEARCH: Final = 160

_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?")


class Segment(StrEnum):
    """The states of deliveries, as the log names them; `undelivered` is what endpoints lack."""

    ALL = "all"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    RETRYING = "retrying"
    HELD = "held"
    FAILED = "failed"
    RETRIED = "retried"
    CANCELLED = "cancelled"


SEGMENT_LABELS: Final = {
    segment: segment.value.replace("_", " ").capitalize() for segment in Segment
}


class Span(NamedTuple):
    """A range of time up to now, and the slices its histogram has."""

    label: str
    length: timedelta
    slices: int


SPANS: Final = {
    "1h": Span("hour", timedelta(hours=1), 60),
    "24h": Span("24 hours", timedelta(hours=24), 72),
    "7d": Span("7 days", timedelta(days=7), 84),
    "30d": Span("30 days", timedelta(days=30), 90),
}
DEFAULT_SPAN: Final = "24h"
WIDEST_SPAN: Final = "30d"


class ResponseClass(NamedTuple):
    """A class of answers: a range of status codes, or else outcomes without a status."""

    label: str
    codes: tuple[int, int] | None = None
    outcomes: tuple[Outcome, ...] = ()


RESPONSES: Final = {
    "2xx": ResponseClass("2xx success", codes=(200, 299)),
    "3xx": ResponseClass("3xx redirect", codes=(300, 399)),
    "4xx": ResponseClass("4xx refused", codes=(400, 499)),
    "5xx": ResponseClass("5xx server error", codes=(500, 599)),
    "timeout": ResponseClass("Timeout", outcomes=(Outcome.TIMEOUT,)),
    "connection": ResponseClass("Connection failed", outcomes=(Outcome.CONNECTION,)),
    "tls": ResponseClass("TLS failed", outcomes=(Outcome.TLS,)),
    "dns": ResponseClass("DNS failed", outcomes=(Outcome.DNS,)),
    "other": ResponseClass(
        "Anything else",
        outcomes=(Outcome.BLOCKED, Outcome.TOO_LARGE, Outcome.PROTOCOL, Outcome.INTERNAL),
    ),
}


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A view of the log. `older` and `newer` are the edges of other pages than the first."""

    segment: Segment = Segment.ALL
    span: str = DEFAULT_SPAN
    type: str = ""
    response: str = ""
    search: str = ""
    older: Cursor | None = None
    newer: Cursor | None = None

    @property
    def is_first_page(self) -> bool:
        return self.older is None and self.newer is None

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter other than the range of time is in force."""
        return bool(self.type or self.response or self.search or self.segment is not Segment.ALL)

    def since(self, now: datetime) -> datetime:
        """The beginning of the range."""
        return now - SPANS[self.span].length

    def with_(self, **changes: Any) -> LogQuery:
        """The first page of the view with `changes`."""
        return replace(self, older=None, newer=None, **changes)

    def page(self, *, older: Cursor | None = None, newer: Cursor | None = None) -> LogQuery:
        """Another page of the same view."""
        return replace(self, older=older, newer=newer)

    def string(self, **more: str) -> str:
        """`?...`; what is at its default is left out, so the plain view has a plain address."""
        words = {
            "status": "" if self.segment is Segment.ALL else self.segment.value,
            "range": "" if self.span == DEFAULT_SPAN else self.span,
            "type": self.type,
            "response": self.response,
            "q": self.search,
            "older": self.older.encode() if self.older else "",
            "newer": self.newer.encode() if self.newer else "",
        }
        shown = {name: value for name, value in (words | more).items() if value}
        return f"?{urlencode(shown)}" if shown else "?"


def parse_query(words: Mapping[str, str]) -> LogQuery:
    """The view that a query string names."""
    status = words.get("status", "")
    span = words.get("range", "")
    kind = words.get("type", "").strip()
    response = words.get("response", "")
    older = parse_uuid_cursor(words.get("older", ""))
    return LogQuery(
        segment=Segment(status) if status in list(Segment) else Segment.ALL,
        span=span if span in SPANS else DEFAULT_SPAN,
        type=kind if _TYPE.fullmatch(kind) and len(kind) <= 64 else "",
        response=response if response in RESPONSES else "",
        search=words.get("q", "").strip().replace("\x00", "")[:MAX_SEARCH],
        older=older,
        newer=None if older else parse_uuid_cursor(words.get("newer", "")),
    )
