"""Which Chromium the browser tests use."""

from __future__ import annotations

import os
import shutil

#: The headless shell first: a window of the whole browser costs three times as much to open.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)


def find_chromium() -> str | None:
    """Path of a Chromium: PRIVATA_CHROMIUM, or one on PATH."""
    named = os.environ.get("PRIVATA_CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)
