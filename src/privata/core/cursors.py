"""Places in lists that run from the newest row to the oldest, as text: pure.

One way to write them for every list: the moment and the id of a row, in base64. What was damaged
on the way names no place.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

#: Digits of a moment in microseconds, for thousands of years to come.
MAX_DIGITS = 17

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_IDENT = re.compile(r"[!-~]{1,40}")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: that of the row of this id, created `at` this moment.

    As the end of a range it may be `included` in it.
    """

    at: datetime
    id: str
    included: bool = False

    def encode(self) -> str:
        """The cursor as text; `included` is for the reader to say."""
        raw = f"{(self.at - _EPOCH) // _MICROSECOND}:{self.id}".encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that `encode` wrote; None for anything else."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        microseconds, _, ident = raw.partition(":")
        if not microseconds.isdecimal() or len(microseconds) > MAX_DIGITS:
            return None
        if not _IDENT.fullmatch(ident):
            return None
        return Cursor(_EPOCH + int(microseconds) * _MICROSECOND, ident)
    except (binascii.Error, UnicodeError, OverflowError):
        return None


def parse_uuid_cursor(text: str) -> Cursor | None:
    """The cursor of a list whose ids are UUIDs, in their usual form; None for anything else."""
    found = parse_cursor(text)
    try:
        return None if found is None else Cursor(found.at, str(UUID(found.id)))
    except ValueError:
        return None
