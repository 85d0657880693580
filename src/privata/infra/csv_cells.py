"""Texts as cells of a CSV file that people open in spreadsheets: one rule for every export."""

from __future__ import annotations

import unicodedata
from typing import Final

#: What begins a formula (OWASP, CSV injection), and a minus that some programs take for one.
_STARTERS: Final = ("=", "+", "-", "@", "\N{MINUS SIGN}")

#: Programs cut these off before they look, or begin a cell anew after them.
_BREAKS: Final = ("\t", "\r", "\n")

#: Categories of characters that are not seen: spaces, controls, marks of direction and joining.
_UNSEEN: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def cell(text: str | None) -> str:
    """The text with an apostrophe before what a spreadsheet could take for a formula.

    Only for text; numbers are written by us and stay numbers. A starter counts in its full-width
    and small forms too (U+FF1D, U+FE66), which some programs read like `=`, and behind characters
    that are not seen.
    """
    if not text:
        return ""
    return f"'{text}" if _could_be_formula(text) else text


def _could_be_formula(text: str) -> bool:
    if text.startswith(_BREAKS):
        return True
    for character in text:
        if unicodedata.category(character) not in _UNSEEN:
            return unicodedata.normalize("NFKC", character).lstrip().startswith(_STARTERS)
    return False
