"""A program on a machine whose clock is wrong goes by the database's, and says so."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from privata.infra.context import AppContext
from privata.infra.database_clock import skew_text
from privata.infra.secret_keys.entering import enter
from privata.infra.secret_keys.store import running_processes
from privata.infra.settings import Settings
from privata.ready import readiness_of

HOUR = timedelta(hours=1)


class Wrong:
    """A machine's clock that can be set."""

    def __init__(self, off: timedelta = timedelta(0)) -> None:
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


async def test_the_operator_sees_the_clock_of_every_process(settings: Settings) -> None:
    """A proxy takes the server with the wrong clock out, so another one has to show it."""
    assert settings.database_url is not None
    machine = Wrong(HOUR)
    ctx = await AppContext.open(settings, settings.database_url, machine=machine)
    async with run_with_keys(ctx):
        (one,) = await running_processes(ctx.database.pool)
        assert one.skew_ms is not None
        assert skew_text(one.skew_ms / 1000).startswith("3,6")  # the test machine may be busy
        machine.off = -HOUR  # it steps
        await ctx.keys.look(ctx.database, ctx.sealer.marks, "PRIVATA_SECRET_KEYS")
        (one,) = await running_processes(ctx.database.pool)
        assert one.skew_ms is not None
        assert one.skew_ms < -3_500_000
    await ctx.close()


@contextlib.asynccontextmanager
async def run_with_keys(ctx: AppContext) -> AsyncIterator[None]:
    """As a server or a worker does."""
    await enter(ctx.database, ctx.sealer.marks, ctx.settings, ctx.keys)
    async with ctx.keys.watching(ctx.database, ctx.sealer.marks, "PRIVATA_SECRET_KEYS"):
        yield


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0124, "12 ms ahead of"),
        (-0.5, "500 ms behind"),
        (-3600.04, "3,600.0 s behind"),
        (0.0, "equal to"),
    ],
)
def test_a_skew_in_words(seconds: float, text: str) -> None:
    assert skew_text(seconds) == f"{text} the database's"


@pytest.mark.parametrize("off", [HOUR, -HOUR])
async def test_a_program_goes_by_the_database_and_says_how_wrong_its_machine_is(
    settings: Settings, off: timedelta
) -> None:
    assert settings.database_url is not None
    machine = Wrong(off)
    ctx = await AppContext.open(settings, settings.database_url, machine=machine)
    close = timedelta(seconds=10)  # the test machine may be busy

    async def told() -> datetime:
        found: datetime = await ctx.database.pool.fetchval("SELECT clock_timestamp()")
        return found

    assert abs(ctx.clock.now() - await told()) < close
    readiness = readiness_of(ctx)
    async with readiness.watched():
        assert not readiness.ready
        assert readiness.skew_s is not None
        assert abs(timedelta(seconds=readiness.skew_s) - off) < close
        reason = readiness.reasons()["clock"]
        assert reason is not None
        assert ("ahead of" if off > timedelta(0) else "behind") in reason
        assert readiness.database_ready, "it can serve"
        machine.off = -off  # it steps
        await readiness.look()
        assert abs(ctx.clock.now() - await told()) < close
        machine.off = timedelta(0)
        await readiness.look()
        assert readiness.reasons()["clock"] is None
    await ctx.close()
