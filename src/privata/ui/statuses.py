"""How each status looks: its word, its icon, its tone. One table per noun, for every page.

Status is always icon + word + colour, never colour alone. Tones: `ok`, `warn`, `bad`, `info`, and
`plain` for what needs nobody.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """What a status pill shows."""

    label: str
    icon: str
    tone: str


ORDER = {
    "waiting_deposit": Look("Waiting for deposit", "clock", "plain"),
    "confirming": Look("Confirming", "loader", "info"),
    "exchanging": Look("Exchanging", "arrow-left-right", "info"),
    "sending": Look("Sending", "send", "info"),
    "completed": Look("Completed", "check", "ok"),
    "expired": Look("Expired", "timer-off", "plain"),
    "failed": Look("Failed", "x", "bad"),
    "refund_required": Look("Refund needed", "undo-2", "warn"),
    "refunded": Look("Refunded", "undo-2", "plain"),
    "manual_review": Look("In review", "eye", "warn"),
}

DELIVERY = {
    "pending": Look("Queued", "clock", "plain"),
    "sending": Look("Sending", "loader", "info"),
    "delivered": Look("Delivered", "check", "ok"),
    "retrying": Look("Retrying", "rotate-cw", "warn"),
    "held": Look("Held", "circle-pause", "warn"),
    "resuming": Look("In line", "play", "info"),
    "failed": Look("Failed", "x", "bad"),
    "exhausted": Look("Exhausted", "x", "bad"),
    "cancelled": Look("Canceled", "ban", "plain"),
    "retried": Look("Retried", "history", "plain"),
}

ENDPOINT = {
    "active": Look("Active", "check", "ok"),
    "paused": Look("Paused", "pause", "warn"),
    "resuming": Look("Resuming", "play", "info"),
    "disabled": Look("Disabled", "ban", "plain"),
}

KEY = {
    "active": Look("Active", "check", "ok"),
    "rotating": Look("Rotating", "refresh-cw", "info"),
    "locked": Look("Locked", "lock", "bad"),
    "expired": Look("Expired", "timer-off", "plain"),
    "revoked": Look("Revoked", "ban", "plain"),
}

EXPORT = {
    "queued": Look("Waiting", "clock", "plain"),
    "running": Look("In progress", "loader", "info"),
    "done": Look("Ready", "check", "ok"),
    "failed": Look("Failed", "x", "bad"),
    "expired": Look("Expired", "timer-off", "plain"),
}

_TABLES = {"export": EXPORT, "order": ORDER, "delivery": DELIVERY, "endpoint": ENDPOINT, "key": KEY}


def look(kind: str, status: str) -> Look:
    """How `status` of a `kind` (order, delivery, endpoint, key) looks.

    A status without an entry shows its own name in plain tone, so that a new state is readable
    before this table knows it. An unknown kind is a KeyError: a typing mistake in a template.
    """
    known = _TABLES[kind].get(status)
    return known or Look(status.replace("_", " ").capitalize(), "circle", "plain")


def response_tone(code: int | None) -> str:
    """Tone of a receiver's answer: 2xx plain, no answer and 429 warn, everything else bad."""
    if code is None or code == 429:
        return "warn"
    return "plain" if 200 <= code < 300 else "bad"
