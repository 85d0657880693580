"""The worker's loops while the database is away."""

from __future__ import annotations

import asyncio

import pytest

from privata.infra.context import AppContext
from privata.infra.faults import Outage
from privata.worker import main

#: Longer than any test.
NEVER_S = 3600.0


async def test_a_loop_is_started_again_without_waiting_ever_longer(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a long outage a loop waited half a minute, and orders were as late."""
    monkeypatch.setattr(main, "FIRST_PAUSE_S", NEVER_S)
    monkeypatch.setattr(main, "AWAY_PAUSE_S", 0.01)
    tries, back = 0, asyncio.Event()

    async def loop(_: AppContext) -> None:
        nonlocal tries
        tries += 1
        if tries < 20:
            raise ConnectionError("the database is away")
        back.set()
        await asyncio.sleep(NEVER_S)

    running = asyncio.create_task(main.keep_running(loop, ctx, Outage()))
    async with asyncio.timeout(60):
        await back.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_loop_that_breaks_off_with_an_error_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told to stop, and would have been started again: the worker never ended."""
    monkeypatch.setattr(main, "AWAY_PAUSE_S", 0.01)
    began = asyncio.Event()

    async def loop(_: AppContext) -> None:
        began.set()
        try:
            await asyncio.sleep(NEVER_S)
        except asyncio.CancelledError:
            raise ConnectionError("the connection was given up") from None

    running = asyncio.create_task(main.keep_running(loop, None, Outage()))  # type: ignore[arg-type]
    await began.wait()
    running.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait({running})
    assert running.cancelled()
