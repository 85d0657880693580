"""Which database Django uses: told by the program before Django starts, never read on the side."""

from __future__ import annotations

import os

import django

_PLACEHOLDER = "postgresql://nobody@localhost/none"
_url = _PLACEHOLDER


def current_url() -> str:
    """The URL given to `boot`; a placeholder for tools that only read models."""
    return _url


def boot(url: str) -> None:
    """Start Django in this process on the database at `url`."""
    global _url
    _url = url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privata.dashboard.settings")
    django.setup()
