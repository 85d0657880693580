"""Pictures of every audited page for a person to look at: desktop and phone, light and dark.

`make pictures` names the folder; the tests themselves compare no picture.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page

#: Set by `make pictures`: where the pictures go.
FOLDER = "PRIVATA_PICTURES"

_IS_DARK = "matchMedia('(prefers-color-scheme: dark)').matches"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


async def take(page: Page) -> None:
    """One picture of the whole page for each size and theme; nothing unless they are wanted."""
    folder = os.environ.get(FOLDER)
    if folder is None or page.viewport_size is None:
        return
    before, dark = page.viewport_size, await page.evaluate(_IS_DARK)
    stem = Path(folder) / _name(page.url)
    stem.parent.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            await page.screenshot(path=f"{stem}.{size}.{theme}.png", full_page=True)
    await page.emulate_media(color_scheme="dark" if dark else "light")
    await page.set_viewport_size(before)


def _name(url: str) -> str:
    """The test and the path: two tests see the same page in different states."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0]
    path = urlsplit(url).path.strip("/") or "home"
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{path}--{test}")[:150]
