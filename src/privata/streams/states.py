"""Where a stream begins and how it ends."""

from __future__ import annotations

from enum import StrEnum


class ResumeSource(StrEnum):
    """What a stream begins with: everything since an event, or the state the order is in."""

    FRESH = "fresh"
    BUFFER = "buffer"
    SNAPSHOT = "snapshot"


class Ending(StrEnum):
    """Why a stream is over."""

    FINISHED = "finished"
    CLIENT_LEFT = "client_left"
    CLOSED_HERE = "closed_here"
    KEY_DEAD = "key_dead"
    RESTART = "restart"
    NODE_LOST = "node_lost"
    STALLED = "stalled"
