"""A loop that dies is started again; a stop stops all of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from privata.infra.context import AppContext
from privata.infra.faults import Outage
from privata.worker import main
from privata.worker.main import keep_running, work


async def test_a_loop_that_dies_is_started_again(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(main, "FIRST_PAUSE_S", 0.001)
    lives = 0
    settled = asyncio.Event()

    async def fragile(_ctx: AppContext) -> None:
        nonlocal lives
        lives += 1
        if lives == 1:
            raise RuntimeError("a bug")
        if lives == 2:
            raise ConnectionError("no database")
        settled.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_running(fragile, ctx, Outage()))
    async with asyncio.timeout(10):
        await settled.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert lives == 3
    assert "fragile died" in caplog.text
    assert "no database" in caplog.text


@pytest.mark.parametrize(
    "error",
    [PermissionError("exports"), asyncpg.InterfaceError("another operation is in progress")],
)
async def test_a_fault_of_ours_is_not_told_as_an_outage(
    error: Exception,
    ctx: AppContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file that may not be written, or a mistake, was called a database that is away: one line
    without a trace, and a try each second for ever."""
    monkeypatch.setattr(main, "FIRST_PAUSE_S", 0.001)
    failed, settled = False, asyncio.Event()

    async def export(_ctx: AppContext) -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise error
        settled.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_running(export, ctx, Outage()))
    async with asyncio.timeout(10):
        await settled.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert "export died" in caplog.text
    assert "database" not in caplog.text


async def test_a_worker_stops_when_told(ctx: AppContext) -> None:
    task = asyncio.create_task(work(ctx))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task
