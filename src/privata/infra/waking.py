"""Waiting for work: until a bell rings or the time is up."""

from __future__ import annotations

import asyncio


async def until_woken(bells: asyncio.Queue[str | None], seconds: float) -> None:
    """Return when a bell rings, or after `seconds`; bells that rang meanwhile are one bell.

    `bells` is the queue of `postgres.listening`. `ConnectionError` when its connection was lost:
    whoever runs the loop begins anew with another one.
    """
    try:
        async with asyncio.timeout(seconds):
            bell = await bells.get()
    except TimeoutError:
        return
    while bell is not None and not bells.empty():
        bell = bells.get_nowait()
    if bell is None:
        raise ConnectionError("the bell's connection to the database was lost")
