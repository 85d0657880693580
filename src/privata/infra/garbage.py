"""Keeps the collector of reference cycles from stopping a server that holds much.

A full collection looks at every object of the process. With thousands of open streams that takes
hundreds of milliseconds, in which nobody gets anything. What has survived one is therefore set
aside (`gc.freeze`), so that the next looks only at what is new. When as much again has been set
aside as the last look at everything found, everything is looked at once more: then cycles that
died meanwhile are freed, and the cost for each object stays the same however many there are.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

#: Everything is looked at again when so many times the objects of the last such look are held.
GROWTH: Final = 2


class _Rule:
    def __init__(self) -> None:
        self.found = 0
        self.everything = False

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        """What `gc.callbacks` calls before and after each collection."""
        if info["generation"] < 2:
            return
        if phase == "start":
            self.everything = gc.get_freeze_count() >= GROWTH * self.found
            if self.everything:
                gc.unfreeze()
        else:
            gc.freeze()
            if self.everything:
                self.found = gc.get_freeze_count()


@contextmanager
def short_pauses() -> Iterator[None]:
    """Collect in this way, for the whole process; afterwards as usual again."""
    rule = _Rule()
    gc.callbacks.append(rule)
    try:
        yield
    finally:
        gc.callbacks.remove(rule)
        gc.unfreeze()
