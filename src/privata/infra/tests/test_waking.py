"""Waiting for a wake-up or for the time, as every loop of the worker does."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

import privata
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.infra.waking import until_woken

NEVER_S = 600.0


def _rung(*wakeups: str | None) -> asyncio.Queue[str | None]:
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    for one in wakeups:
        queue.put_nowait(one)
    return queue


async def test_wakeups_that_rang_meanwhile_are_one_wakeup() -> None:
    queue = _rung("", "a", "b")
    await until_woken(queue, NEVER_S)
    assert queue.empty()


async def test_the_time_is_enough() -> None:
    await until_woken(_rung(), 0.01)


async def test_a_wakeup_that_rings_later_wakes() -> None:
    queue = _rung()
    asyncio.get_running_loop().call_later(0.01, queue.put_nowait, "")
    await until_woken(queue, NEVER_S)


@pytest.mark.parametrize("rang", [(None,), ("a", None)])
async def test_what_may_have_been_missed_wakes(rang: tuple[str | None, ...]) -> None:
    queue = _rung(*rang)
    await until_woken(queue, NEVER_S)
    assert queue.empty()


async def test_it_hears_again_when_the_connection_was_cut(ctx: AppContext) -> None:
    """And everybody looks once: what was told meanwhile nobody heard."""
    async with (
        ctx.database.listening("privata_test") as wakeups,
        ctx.database.listening("privata_other") as others,
    ):
        assert await wakeups.get() is None
        assert await others.get() is None
        cut = await ctx.database.pool.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'privata-wakeup' AND datname = current_database()"
        )
        assert cut == 1, "one connection for all channels"
        assert await wakeups.get() is None
        assert await others.get() is None
        ctx.database.wake("privata_test", "now")
        assert await wakeups.get() == "now"


async def test_who_comes_later_looks_once_too(ctx: AppContext) -> None:
    async with ctx.database.listening("privata_test") as first:
        assert await first.get() is None
        async with ctx.database.listening("privata_test") as second:
            assert await second.get() is None


async def test_work_goes_on_where_nobody_can_listen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.database_url is not None
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    ctx = await AppContext.open(
        settings.model_copy(update={"database_listen_url": nowhere}), settings.database_url
    )
    async with ctx.database.listening("privata_test") as wakeups:
        await until_woken(wakeups, 0.01)
    assert await ctx.database.pool.fetchval("SELECT true")
    await ctx.close()


def test_no_room_waits_in_a_way_of_its_own() -> None:
    """The same loop stood in four rooms."""
    root = Path(privata.__file__).parent
    for path in root.rglob("*.py"):
        if "tests" in path.parts or path.name == "waking.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (
                isinstance(node, ast.Raise) and "wake-up's connection" in ast.unparse(node)
            ), path
