"""Counts with their nouns, for pages, messages and the command line."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 event`, `214 events`; `many` where an s does not do."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
