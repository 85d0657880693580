"""What pages are told of: changes as they happen, and those from before their stream was open."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from privata.dashboard import live_hub as live
from privata.dashboard.live_hub import EVERYTHING, MEMORY_S, Hub
from privata.events.service import LIVE_WAKEUP
from privata.infra.context import AppContext


@pytest.fixture
def hub(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(live, "app_context", lambda: ctx)
    return Hub()


async def taken(topics: live.Topics) -> str | None:
    async with asyncio.timeout(10):
        return await topics.get()


async def test_a_page_learns_what_changed_before_its_stream_was_open(
    ctx: AppContext, hub: Hub
) -> None:
    """A file that was made while the page was on its way stood there as waiting for ever."""
    ours, theirs = f"{uuid.uuid4()}:test", f"{uuid.uuid4()}:test"
    with hub.subscription(ours, "5", time.time()) as first:
        assert await taken(first) == EVERYTHING, "nobody listened before"
        await asyncio.sleep(live.READ_S + 0.1)
        made_at = time.time()
        for one, topic in ((ours, "exports"), (theirs, "orders"), (ours, "exports")):
            ctx.database.wake(LIVE_WAKEUP, f"{one}:{topic}")
            await asyncio.sleep(0.05)
        assert await taken(first) == "exports"
        with hub.subscription(ours, "5", made_at) as late:
            assert await taken(late) == "exports"
            assert late.empty(), "once, and nothing of another organization"
        with hub.subscription(ours, "5", time.time() + 2 * live.READ_S) as later:
            assert later.empty(), "it was read after the change"
        with hub.subscription(ours, "5", time.time() - MEMORY_S) as old:
            assert await taken(old) == EVERYTHING, "what changed so long ago is forgotten"
        with hub.subscription(ours, "5") as silent:
            assert silent.empty()
    hub.close()
