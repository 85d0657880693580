"""States of what surrounds the orders: exports and the list's look."""

from __future__ import annotations

from enum import StrEnum


class ExportState(StrEnum):
    """`queued → running → done → expired`, or `failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class Density(StrEnum):
    """How tall the rows of a list are."""

    REGULAR = "regular"
    COMPACT = "compact"
