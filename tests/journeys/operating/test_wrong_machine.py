"""A program on a machine whose clock is wrong goes by the database's, and says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.ready import readiness_of

HOUR = timedelta(hours=1)


class Wrong:
    """A machine's clock that can be set."""

    def __init__(self, off: timedelta = timedelta(0)) -> None:
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


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
