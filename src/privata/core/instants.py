"""Times as others write them: RFC 3339 with an offset, read in one way everywhere. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

# RFC 3339 sets no end to the digits of a second, and allows small letters and a space in the
# middle (section 5.6). Seconds may be left out, as ISO 8601 has it. Groups: date, time to the
# second, its fraction, offset.
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?([Zz]|[-+ ]\d\d:?\d\d)", re.ASCII
)

#: What a `datetime` holds of a second; the rest is cut off.
_DIGITS: Final = 6


def read_instant(text: str) -> datetime:
    """The moment in UTC, to the microsecond: nanoseconds and finer are cut off.

    `ValueError` with a sentence to show, also for days and hours that do not exist.
    """
    found = _INSTANT.fullmatch(text)
    if found is not None:
        day, time, fraction, offset = found.groups()
        seconds = f"{time}:00"[:8]
        micro = (fraction or "0")[:_DIGITS].ljust(_DIGITS, "0")
        # A plus sign that was not escaped in an address arrives as a space.
        zone = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
        try:
            return datetime.fromisoformat(f"{day}T{seconds}.{micro}{zone}").astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("must be a time with an offset, such as 2026-05-21T10:14:01Z")
