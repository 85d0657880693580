"""Places in a list that runs from the newest to the oldest, of orders or payouts: pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Digits of a moment in microseconds, for thousands of years to come.
MAX_DIGITS = 17

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_IDENT = re.compile(r"[!-~]{1,40}")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list, that of the row with this id. As the end of a range it may be
    `included` in it."""

    created_at: datetime
    order_id: str
    included: bool = False

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
        if not microseconds.isdecimal() or len(microseconds) > MAX_DIGITS:
            return None
        if not _IDENT.fullmatch(order_id):
            return None
        return Cursor(_EPOCH + int(microseconds) * _MICROSECOND, order_id)
    except (binascii.Error, UnicodeError, OverflowError):
        return None
