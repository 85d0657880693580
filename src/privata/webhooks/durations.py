"""Retry schedules as people write them: `1m, 5m, 15m, 1h`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from privata.core.errors import ValidationFailed

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART: Final = re.compile(r"([0-9]{1,7})\s*([smhd])", re.IGNORECASE)


def parse_offsets(text: str) -> list[int] | None:
    """Seconds after the first attempt; None for an empty text. `ValidationFailed` for others."""
    words = [word for word in re.split(r"[,;\s]+(?=[0-9])", text.strip()) if word]
    if not words:
        return None
    found = []
    for word in words:
        match = _PART.fullmatch(word.strip(" ,;"))
        if match is None:
            wrong = f"{word[:20]!r} is not a time such as 30s, 5m, 2h, or 1d"
            raise ValidationFailed(f"{wrong}.", fields=[("schedule_s", wrong)])
        found.append(int(match[1]) * _UNITS[match[2].lower()])
    return found


def written(seconds: int) -> str:
    """`300` as `5m`: the largest unit that leaves nothing over."""
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def written_offsets(offsets: Sequence[int] | None) -> str:
    """What `parse_offsets` reads."""
    return ", ".join(written(one) for one in offsets or ())


def spoken(seconds: float) -> str:
    """About how long: `a few seconds`, `about 40 seconds`, `about 3 minutes`, `about 2 hours`."""
    if seconds < 5:
        return "a few seconds"
    if seconds < 90:
        return f"about {max(5, round(seconds / 5) * 5)} seconds"
    if seconds < 5_400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {round(seconds / 3_600)} hours"
