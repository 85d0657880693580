"""What every program that runs looks at to tell whether it is ready: the list of named checks."""

from __future__ import annotations

from collections.abc import Callable

from privata.dashboard.schema.applied import schema_check
from privata.infra.context import AppContext
from privata.infra.database_clock import DatabaseClock
from privata.infra.generation import generation_warning
from privata.infra.readiness import Readiness


def readiness_of(
    ctx: AppContext,
    *,
    came_back: Callable[[], None] | None = None,
    answered: Callable[[], None] | None = None,
) -> Readiness:
    """The looks of a program; `Readiness` says what the callbacks are."""
    clock = ctx.clock if isinstance(ctx.clock, DatabaseClock) else DatabaseClock()
    readiness = Readiness(
        ctx.database.url,
        came_back=came_back,
        answered=answered,
        checks=(schema_check(),),
        warnings=(generation_warning(),),
        machine=clock.machine,
        told_time=clock.set,
        most_skew_s=ctx.settings.clock_skew_seconds,
    )
    readiness.add("keys", ctx.keys.problem)
    return readiness
