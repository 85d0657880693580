"""How passwords are hashed: Argon2id (RFC 9106) with the memory that the operator grants, of which
so many are at work at a time and no more.

A hash takes 100 MiB. Without a bound, as many as there are requests are made at once, and whoever
sends requests decides how much memory the server takes.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from privata.infra.settings import settings

#: Seconds that a hash waits for its turn, and hashes that wait in a process; others are refused.
PATIENCE_S: Final = 5.0
MOST_WAITING: Final = 32

#: When whoever was refused is asked to come again, seconds.
RETRY_AFTER_S: Final = 5


#: Characters of a password; nobody types more. Of what is longer, nothing is normalised: the time
#: that takes grows with the square of a run of combining marks, and it holds the whole process.
LONGEST_PASSWORD: Final = 256


class HashingBusy(Exception):
    """No turn within a reasonable time: nothing was judged; ask again later."""


class Gate:
    """Lets `slots` in at a time; at most `waiting` others wait, each for `patience` seconds."""

    def __init__(self, slots: int, *, waiting: int, patience: float) -> None:
        self._free = threading.BoundedSemaphore(slots)
        self._lock = threading.Lock()
        self._room = waiting
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it; `HashingBusy` without one."""
        if not self._free.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._free.release()

    def _wait(self) -> None:
        with self._lock:
            if self._room == 0:
                raise HashingBusy
            self._room -= 1
        try:
            if not self._free.acquire(timeout=self._patience):
                raise HashingBusy
        finally:
            with self._lock:
                self._room += 1


#: The one of this process.
GATE: Final = Gate(settings().password_hashes_at_once, waiting=MOST_WAITING, patience=PATIENCE_S)


def normalized(password: str) -> str:
    """The password as it is hashed: `é` is one character, whichever keyboard made it (NFC).

    `ValueError` for more than `LONGEST_PASSWORD` characters.
    """
    if len(password) > LONGEST_PASSWORD:
        raise ValueError(f"A password has at most {LONGEST_PASSWORD} characters.")
    return unicodedata.normalize("NFC", password)
