"""The life of a mail."""

from __future__ import annotations

from enum import StrEnum


class MailStatus(StrEnum):
    """`dropped`: nobody should get it (no such account, or its code has expired meanwhile)."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
