"""Markups as people write them, in percent, and as they are kept, in basis points: pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from privata.core.errors import ValidationFailed
from privata.providers.port import MAX_MARKUP_BPS

#: Basis points of one percent.
BPS: Final = 100

#: Two decimals, since one of the second is one basis point. A comma is as good as a point.
_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?(?: ?%)?", re.ASCII)

#: What a field says that takes a markup.
RULE: Final = f"must be from 0 to {MAX_MARKUP_BPS // BPS}, with at most 2 decimals"


def to_bps(text: str, field: str) -> int | None:
    """Basis points of a percentage, None for nothing; `ValidationFailed` at `field`."""
    given = text.strip()
    if not given:
        return None
    found = _PERCENT.fullmatch(given)
    bps = -1 if found is None else int(found[1]) * BPS + int((found[2] or "").ljust(2, "0"))
    if not 0 <= bps <= MAX_MARKUP_BPS:
        raise ValidationFailed(f"The markup {RULE}.", fields=[(field, f"The markup {RULE}.")])
    return bps


def to_percent(bps: int) -> str:
    """`0.5` for 50 basis points."""
    return f"{(Decimal(bps) / BPS).normalize():f}"
