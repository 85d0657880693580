"""What no column of PostgreSQL holds, refused where requests are read, whatever the field.

A text cannot have the character NUL (bodies and queries: `json_bodies`), and a moment has to exist
in UTC: a database's error about either would be an answer 500 for the caller's mistake.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

NUL: Final = "\0"

#: The largest number of an `int8` column.
MAX_NUMBER: Final = 2**63 - 1


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; `ValueError` for one before the year 1 or after 9999 there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be between the years 1 and 9999 UTC") from None
