"""Telling a failover that lost nothing from a restore, by what a worker saw of the log."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

import pytest

from conftest import wait_for
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.generation import Generation, Identity
from privata.infra.tests.test_generation import look, move
from privata.worker import generation as watching
from privata.worker.generation import Witness, watch_generation

WAS = Identity("7", 1, 16384)
BEFORE = Generation(1, "00000000", True, WAS, WAS, None)
AFTER = replace(BEFORE, here=replace(WAS, timeline=2), confirmed=False, moved="timeline")


def witness(*looks: int | None, lenient: bool = True) -> Witness:
    made = Witness(failover_loses_nothing=lenient)
    for written in looks:
        assert not made.look(BEFORE, written, None)
    return made


def test_a_standby_that_has_all_that_was_seen_lost_nothing() -> None:
    assert witness(100, 200).look(AFTER, 150, 100)
    assert witness(100, 200, 300).look(AFTER, 900, 250)


@pytest.mark.parametrize(
    ("looks", "after", "promoted_at", "lenient"),
    [
        ((100, 200), AFTER, 99, True),  # a restore to a moment
        ((100, 200), AFTER, None, True),  # it has been restarted since
        ((100,), AFTER, 900, True),  # seen once: perhaps ahead of the standby
        ((), AFTER, 900, True),  # a worker that has just started
        ((None, None), AFTER, 900, True),  # a service that does not tell
        ((100, 200), AFTER, 900, False),
        ((100, 200), replace(AFTER, here=Identity("8", 2, 16384)), 900, True),
        ((100, 200), replace(AFTER, here=Identity("7", 2, 16385)), 900, True),
        ((100, 200), replace(AFTER, mark="aaaaaaaa"), 900, True),
    ],
)
def test_anything_else_has_to_be_confirmed(
    looks: tuple[int | None, ...], after: Generation, promoted_at: int | None, lenient: bool
) -> None:
    assert not witness(*looks, lenient=lenient).look(after, 900, promoted_at)


async def test_the_worker_notes_a_move_and_says_it_once(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.01)
    await generation.note(ctx.database)
    task = asyncio.create_task(watch_generation(ctx))
    try:
        await asyncio.sleep(0.1)
        await move(ctx, timeline=9)

        async def noted() -> bool:
            return (await look(ctx)).number == 2

        await wait_for(noted)
        await asyncio.sleep(0.1)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert "its timeline was 9 and is 1" in said[0].getMessage()
    assert "docs/backup.md" in said[0].getMessage()
