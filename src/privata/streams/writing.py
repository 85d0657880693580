"""Doing the first part of something awaitable at once, without a task of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any


class Rest:
    """What is left of something begun: await it once, in a task, or drop it."""

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, steps: Generator[Any, Any, None], waits_for: object) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield self._waits_for
            yield from self._steps
        finally:
            self._steps.close()


def begin(work: Awaitable[None]) -> Rest | None:
    """Do `work` up to the first thing it waits for; None if it waited for nothing and is done.

    Only for work that does not mind in which task it is: it begins in the caller's and goes on in
    that which awaits the rest.
    """
    steps = work.__await__()
    try:
        waits_for = next(steps)
    except StopIteration:
        return None
    return Rest(steps, waits_for)
