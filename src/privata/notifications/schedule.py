"""When a mail that could not be handed over is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: After the first, second, ... failure; then the mail is given up.
PAUSES: Final = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after `attempts` failed attempts; None: not again."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
