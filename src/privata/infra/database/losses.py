"""When a database was last found to be lost, by its URL; older connections are not used again.

Each connection knows when it was made, so one note replaces the connections of every pool of this
process, whichever driver they have: each is compared with it before it is lent out.
"""

from __future__ import annotations

import threading
import time
from typing import Final

#: What the server tells unasked, with the next answer, as soon as it accepts no more writes
#: (PostgreSQL's documentation, "Asynchronous Operations" of the protocol; from version 14).
READ_ONLY: Final = "default_transaction_read_only"

_LOST_AT: Final[dict[str, float]] = {}
_lock: Final = threading.Lock()


def note_loss(url: str, made_at: float) -> None:
    """A connection to `url`, made at `made_at` (monotonic seconds), leads nowhere: the server went
    away or is no longer the one that may be written to.

    One made before an earlier loss says nothing new.
    """
    with _lock:
        if made_at > _LOST_AT.get(url, 0.0):
            _LOST_AT[url] = time.monotonic()


def lost_at(url: str) -> float:
    """The monotonic second after which connections to `url` can be trusted; 0: all of them."""
    return _LOST_AT.get(url, 0.0)
