"""Waiting for work: until a wake-up rings or the time is up."""

from __future__ import annotations

import asyncio


async def until_woken(wakeups: asyncio.Queue[str | None], seconds: float) -> None:
    """Return when a wake-up rings, or after `seconds`; wake-ups that rang meanwhile are one
    wake-up.

    `wakeups` is the queue of `postgres.listening`. `ConnectionError` when its connection was lost:
    whoever runs the loop begins anew with another one.
    """
    try:
        async with asyncio.timeout(seconds):
            wakeup = await wakeups.get()
    except TimeoutError:
        return
    while wakeup is not None and not wakeups.empty():
        wakeup = wakeups.get_nowait()
    if wakeup is None:
        raise ConnectionError("the database connection for wake-ups was lost")
