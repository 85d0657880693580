"""Which Chromium the browser tests use."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

#: The headless shell first: a window of the whole browser costs three times as much to open.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")

#: Where `scripts/fetch_browser.py` puts the one that it fetches, and what its program is called.
FETCHED = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path(sys.prefix) / "browsers")
_PROGRAMS = ("chrome-headless-shell", "chrome-headless-shell.exe", "headless_shell")

#: Why a browser test did not run.
NO_CHROMIUM = "no Chromium found: install chromium-headless-shell, or set PRIVATA_CHROMIUM"

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)


def find_chromium(fetched: Path = FETCHED) -> str | None:
    """Path of a Chromium: PRIVATA_CHROMIUM, one on PATH, or the one fetched for the tests."""
    named = os.environ.get("PRIVATA_CHROMIUM")
    on_path = (path for name in _NAMES if (path := shutil.which(name)))
    return named or next(on_path, None) or next(_in(fetched), None)


def _in(folder: Path) -> Iterator[str]:
    shells = sorted(folder.glob("chromium_headless_shell-*"))
    return (
        str(path) for shell in reversed(shells) for name in _PROGRAMS for path in shell.rglob(name)
    )
