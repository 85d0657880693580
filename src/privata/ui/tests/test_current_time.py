"""The time that views and templates show is that of the application context."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from privata.core.clock import ManualClock, SystemClock
from privata.infra import plane
from privata.infra.context import AppContext
from privata.ui.jinja import now

NEW_YEAR = datetime(2031, 1, 1, tzinfo=UTC)


async def test_views_and_templates_live_by_the_clock_of_the_kernel(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read the machine's: a page about last week could not be tested."""
    monkeypatch.setattr(plane, "_ctx", None)
    clock = ManualClock(NEW_YEAR)
    plane.install(dataclasses.replace(ctx, clock=clock))
    assert plane.current_time() == now() == NEW_YEAR
    clock.advance(timedelta(days=8))
    assert plane.current_time() == now() == NEW_YEAR + timedelta(days=8)


def test_a_preview_without_a_kernel_has_the_machines_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "_ctx", None)
    before = SystemClock().now()
    assert before <= plane.current_time() <= SystemClock().now()
