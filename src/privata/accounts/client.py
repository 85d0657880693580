"""The client a person uses: address and browser, and both in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from; `session` is the token, of which the audit log keeps the end."""

    ip: str | None
    user_agent: str
    session: str = ""

    @property
    def device(self) -> str:
        return device_name(self.user_agent)


def device_name(user_agent: str) -> str:
    """ "Firefox on Linux"; what a browser says of itself is a hint, never proof."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "An unknown browser"
