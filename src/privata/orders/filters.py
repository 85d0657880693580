"""What the orders list may be narrowed to, as it stands in the address: pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from privata.core.lifecycle import OrderStatus

#: Longer values match no order and are cut, so that addresses stay short.
MAX_TEXT = 256

#: Digits of a moment in microseconds, for thousands of years to come.
MAX_DIGITS = 17

_TICKER = re.compile(r"[A-Z0-9]{1,16}")
_PROVIDER = re.compile(r"[a-z0-9_]{1,32}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: Date presets: key in the address, words, and how far back.
SPANS: dict[str, tuple[str, timedelta]] = {
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "90d": ("90 days", timedelta(days=90)),
}

_S = OrderStatus

#: The statuses people ask for together.
GROUPS: dict[str, tuple[OrderStatus, ...]] = {
    "In progress": (_S.WAITING_DEPOSIT, _S.CONFIRMING, _S.EXCHANGING, _S.SENDING),
    "Needs action": (_S.REFUND_REQUIRED, _S.MANUAL_REVIEW),
    "Completed": (_S.COMPLETED,),
    "Unsuccessful": (_S.EXPIRED, _S.FAILED, _S.REFUNDED),
}


class Query(Protocol):
    """The two ways a query string is read; Django's QueryDict is one."""

    def get(self, key: str, default: str, /) -> Any: ...
    def getlist(self, key: str) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list, which runs from the newest order to the oldest."""

    created_at: datetime
    order_id: str

    def encode(self) -> str:
        microseconds = (self.created_at - _EPOCH) // _MICROSECOND
        raw = f"{microseconds}:{self.order_id}".encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse_cursor(text: str) -> Cursor | None:
    """The cursor of an address; None for what was damaged on the way."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        microseconds, _, order_id = raw.partition(":")
        if not order_id or not microseconds.isdecimal() or len(microseconds) > MAX_DIGITS:
            return None
        return Cursor(_EPOCH + int(microseconds) * _MICROSECOND, order_id)
    except (binascii.Error, UnicodeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """The filters in force. Values that make no sense are left out, never an error page."""

    statuses: tuple[str, ...] = ()
    text: str = ""
    source: str = ""
    target: str = ""
    provider: str = ""
    span: str = ""

    @property
    def active(self) -> bool:
        """Whether anything is hidden by these filters."""
        return self != OrderFilter()

    @property
    def pair(self) -> str:
        """The pair in words, or empty."""
        if not self.source and not self.target:
            return ""
        return f"{self.source or 'any'} to {self.target or 'any'}"

    def since(self, now: datetime) -> datetime | None:
        """The oldest moment still shown."""
        return now - SPANS[self.span][1] if self.span else None

    def query(self, **more: str) -> str:
        """These filters as a query string with its question mark; empty ones are left out."""
        pairs = [("status", status) for status in self.statuses]
        pairs += [(name, value) for name, value in self.fields() if value]
        pairs += [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}"

    def fields(self) -> list[tuple[str, str]]:
        """Names and values besides the statuses, as a form sends them."""
        return [
            ("q", self.text),
            ("from", self.source),
            ("to", self.target),
            ("provider", self.provider),
            ("span", self.span),
        ]

    def without(self, *names: str) -> OrderFilter:
        """The same filters less the fields of these names."""
        return replace(self, **{name: getattr(OrderFilter(), name) for name in names})

    def having(self, **changes: Any) -> OrderFilter:
        """The same filters with these fields instead."""
        return replace(self, **changes)


def parse_filter(query: Query) -> OrderFilter:
    """Read the filters of a query string."""
    known = {status.value for status in OrderStatus}
    asked = [str(status) for status in query.getlist("status")]
    span = str(query.get("span", ""))
    return OrderFilter(
        statuses=tuple(status for status in dict.fromkeys(asked) if status in known),
        text=_text(query.get("q", "")),
        source=_matching(_TICKER, query.get("from", "").upper()),
        target=_matching(_TICKER, query.get("to", "").upper()),
        provider=_matching(_PROVIDER, query.get("provider", "")),
        span=span if span in SPANS else "",
    )


def _text(value: str) -> str:
    # PostgreSQL takes no NUL in text; nothing that is searched for holds one.
    return value.replace("\0", "").strip()[:MAX_TEXT]


def _matching(pattern: re.Pattern[str], value: str) -> str:
    stripped = value.strip()
    return stripped if pattern.fullmatch(stripped) else ""
