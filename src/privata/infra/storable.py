"""What no column of PostgreSQL holds, refused where requests are read, whatever the field.

A text cannot have the character NUL, and a moment has to exist in UTC: a database's error about
either would be an answer 500 for the caller's mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pydantic_core

NUL: Final = "\0"

#: The largest number of an `int8` column.
MAX_NUMBER: Final = 2**63 - 1

#: How a JSON text spells NUL; there is no other way. Without it a body needs no second look.
_ESCAPED: Final = b"\\u0000"

_HAS_NUL: Final = "must not contain the character NUL"


def nul_in_json(body: bytes) -> list[tuple[str, str]]:
    """Every field of a body that holds NUL, with the sentence that says so. It must be JSON."""
    if _ESCAPED not in body:
        return []
    return [(name, _HAS_NUL) for name in _places(pydantic_core.from_json(body), "")]


def nul_in_text(name: str, value: str) -> list[tuple[str, str]]:
    """The same for one parameter of a query."""
    return [(shown_name(name), _HAS_NUL)] if NUL in name or NUL in value else []


def shown_name(name: str) -> str:
    """A field's name as an answer may carry it."""
    return name.replace(NUL, "\N{REPLACEMENT CHARACTER}")


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; `ValueError` for one before the year 1 or after 9999 there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 of UTC") from None


def _places(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str):
        if NUL in value:
            yield where or "body"
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places(inner, f"{where}.{number}" if where else str(number))
    elif isinstance(value, dict):
        for name, inner in value.items():
            inside = f"{where}.{name}" if where else name
            if NUL in name:
                yield shown_name(inside)
            else:
                yield from _places(inner, inside)
