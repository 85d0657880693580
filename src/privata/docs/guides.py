"""The guides: the Markdown files of the repository's `docs`, which the wheel carries along.

A checkout reads them where they are written; an installed package has them beside this module
(`force-include` in pyproject.toml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGED: Final = Path(__file__).parent / "guides"
_CHECKOUT: Final = Path(__file__).resolve().parents[3] / "docs"

#: The order in which guides are shown; one that is not named here stands under "More".
GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Get started", ("quickstart", "sandbox", "authentication")),
    ("Orders", ("orders", "order-lifecycle", "refunds", "changenow")),
    ("Events", ("webhooks", "streaming", "ops-events")),
    ("Money", ("ledger", "payouts")),
    ("Team", ("accounts", "organizations", "roles", "audit", "tokens")),
    ("Reference", ("errors", "rate-limits", "glossary")),
    (
        "Operations",
        (
            "self-hosting",
            "backup",
            "operations",
            "settings",
            "architecture",
            "guarantees",
            "performance",
            "scaling",
        ),
    ),
)
_REST: Final = "More"

#: Written for those who work on Privata; no partner reads them.
_INTERNAL: Final = frozenset({"providers", "style"})

_HEADING: Final = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide; `lead` is its first paragraph, as Markdown on one line."""

    slug: str
    title: str
    lead: str
    text: str


def guides_root() -> Path:
    """Where the Markdown files are."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT


@cache
def guides() -> dict[str, Guide]:
    """Every guide by its slug, in the order of the pages."""
    paths = sorted(guides_root().glob("*.md"))
    found = {path.stem: path for path in paths if path.stem not in _INTERNAL}
    named = [slug for _, slugs in GROUPS for slug in slugs if slug in found]
    order = named + [slug for slug in found if slug not in named]
    return {slug: _read(slug, found[slug]) for slug in order}


def grouped() -> Iterator[tuple[str, list[Guide]]]:
    """The guides under their headings, without empty groups."""
    known = guides()
    shown: set[str] = set()
    for title, slugs in GROUPS:
        present = [known[slug] for slug in slugs if slug in known]
        shown |= {guide.slug for guide in present}
        if present:
            yield title, present
    rest = [guide for slug, guide in known.items() if slug not in shown]
    if rest:
        yield _REST, rest


def _read(slug: str, path: Path) -> Guide:
    text = path.read_text(encoding="utf-8")
    heading = _HEADING.search(text)
    title = heading.group(1) if heading else slug.replace("-", " ").capitalize()
    body = text[heading.end() :] if heading else text
    paragraphs = [part.strip() for part in body.split("\n\n") if part.strip()]
    plain = (part for part in paragraphs if not part.startswith(("#", "|", "`", "-", "*", " ")))
    return Guide(slug, title, " ".join(next(plain, "").split()), text)
