"""What became of a create at a provider."""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """`asked` without end: we were stopped in the middle. Like `unknown`, an order may be there,
    whose deposit address nobody was told."""

    ASKED = "asked"
    MADE = "made"
    REFUSED = "refused"
    UNKNOWN = "unknown"
