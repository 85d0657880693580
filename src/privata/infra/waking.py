"""Waiting for work: until a wake-up rings or the time is up."""

from __future__ import annotations

import asyncio


async def until_woken(wakeups: asyncio.Queue[str | None], seconds: float) -> None:
    """Return when a wake-up rings, or after `seconds`; wake-ups that rang meanwhile are one
    wake-up.

    `wakeups` is the queue of `Database.listening`; whether it hears anything does not matter.
    """
    try:
        async with asyncio.timeout(seconds):
            await wakeups.get()
    except TimeoutError:
        return
    while not wakeups.empty():
        wakeups.get_nowait()
