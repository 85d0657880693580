"""Waiting for a wake-up or for the time, as every loop of the worker does."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

import privata
from conftest import wait_for
from privata.infra.context import AppContext
from privata.infra.database.postgres import listening
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
async def test_a_lost_connection_ends_the_loop(rang: tuple[str | None, ...]) -> None:
    """Also when wake-ups rang before it: nobody would hear the next ones."""
    with pytest.raises(ConnectionError):
        await until_woken(_rung(*rang), NEVER_S)


async def test_it_wakes_and_ends_with_the_database(ctx: AppContext) -> None:
    async with listening(ctx.database.url, "privata_test") as wakeups:
        ctx.database.wake("privata_test", "now")
        await until_woken(wakeups, NEVER_S)
        waiting = asyncio.create_task(until_woken(wakeups, NEVER_S))
        await ctx.database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'privata-wakeup' AND datname = current_database()"
        )

        async def ended() -> bool:
            return waiting.done()

        await wait_for(ended)
        assert isinstance(waiting.exception(), ConnectionError)


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
