"""`/health` and `/readyz` while the database hangs, is away, and comes back."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from conftest import wait_for
from privata.infra.context import AppContext
from privata.infra.readiness import MOST_AGE_S, LookPace, Readiness
from privata.infra.settings import Settings
from privata.serving import listen, serve_on
from tests.conftest import Partner
from tests.loopback import NO_AUTHORITIES
from tests.relay import relayed

PATHS = ("/partner/v1/health", "/readyz")


async def test_health_answers_503_at_once_while_the_database_hangs_or_is_away(
    settings: Settings,
) -> None:
    """It answered 200 whatever the database did; and the call itself waited for its rate limit."""
    assert settings.database_url is not None
    many = settings.model_copy(update={"rate_keyless_per_minute": 100_000})
    listener = listen("127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        relayed(settings.database_url) as line,
        httpx.AsyncClient(base_url=base_url, verify=NO_AUTHORITIES, timeout=10) as client,
    ):
        ctx = await AppContext.open(many, line.url)
        task = asyncio.create_task(serve_on(listener, ctx, only="api"))

        async def told() -> list[int]:
            return [(await client.get(path)).status_code for path in PATHS]

        async def tell(status: int) -> bool:
            return await told() == [status, status]

        assert await told() == [200, 200], "known before the first request"
        line.freeze()
        await wait_for(lambda: tell(503))
        answer = await client.get(PATHS[0])
        assert answer.json()["error"]["code"] == "INTERNAL"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"]
        line.thaw()
        await wait_for(lambda: tell(200))
        line.cut()  # the next look finds a dead connection, or one of its own: both are right
        await wait_for(lambda: tell(200))
        line.freeze()
        line.cut()
        await wait_for(lambda: tell(503))
        line.thaw()
        await wait_for(lambda: tell(200))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await ctx.close()


async def test_health_costs_no_query(partner: Partner) -> None:
    for key in (None, partner.test_key, "pk_test_wrong"):
        answer = await partner.get("/health", key=key)
        assert answer.status_code == 200
        assert int(answer.headers["x-ratelimit-limit"]) > 0
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM rate_bucket") == 0


@pytest.mark.parametrize(("age", "ready"), [(MOST_AGE_S, True), (MOST_AGE_S + 0.1, False)])
async def test_an_old_state_counts_as_not_ready(
    settings: Settings, age: float, ready: bool
) -> None:
    assert settings.database_url is not None
    now = 100.0
    readiness = Readiness(settings.database_url, monotonic=lambda: now)
    assert not readiness.ready, "nothing is known yet"
    async with readiness.watched():
        assert readiness.ready
        now += age
        assert readiness.ready is ready


def test_a_look_is_never_too_old_by_plan() -> None:
    pace = LookPace()
    assert pace.every_s + pace.deadline_s < MOST_AGE_S


async def test_a_database_that_answers_again_is_told_on(settings: Settings) -> None:
    """The pages' pool replaces its connections then: it had to find each broken one by itself."""
    assert settings.database_url is not None
    told: list[bool] = []
    async with relayed(settings.database_url) as line:
        pace = LookPace(every_s=0.01, deadline_s=0.5)
        readiness = Readiness(line.url, pace, came_back=lambda: told.append(readiness.ready))

        async def is_ready() -> bool:
            return readiness.ready

        async def is_away() -> bool:
            return not readiness.ready

        async with readiness.watched():
            assert readiness.ready
            for times in (1, 2):
                line.freeze()
                await wait_for(is_away)
                assert len(told) == times - 1
                line.thaw()
                await wait_for(is_ready)
                assert len(told) == times, "once for each time it was away"
