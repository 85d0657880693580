"""Which table goes where when the database is distributed, as `docs/scaling.md` says it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"

#: How the page calls the three kinds.
KINDS: Final = ("Distributed", "Shared", "Local")


def tables_by_kind() -> dict[str, list[str]]:
    """The tables of each kind, in the order of the page."""
    page = PAGE.read_text(encoding="utf-8")
    part = page.partition("### Which tables go where")[2].partition("###")[0]
    found: dict[str, list[str]] = {}
    for kind, following in zip(KINDS, (*KINDS[1:], None), strict=True):
        text = part.partition(f"**{kind}**")[2]
        if following is not None:
            text = text.partition(f"**{following}**")[0]
        # The sentence in front of the list names a column and no table.
        found[kind] = re.findall(r"`(\w+)`", text.partition("\n\n")[2])
    return found
