"""`/health` and `/readyz` while the database hangs, is away, or is not as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from conftest import environment_for, wait_for
from privata.dashboard.schema.applied import schema_check
from privata.infra.context import AppContext
from privata.infra.generation import generation_warning, note
from privata.infra.readiness import MOST_AGE_S, Check, LookPace, Readiness
from privata.infra.settings import Settings
from privata.ready import readiness_of
from privata.serving import listen, serve_on
from privata.worker.health import LATE_S, Lag
from tests.conftest import Partner
from tests.faults.programs import free_port, program
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


#: Each look on a new connection, as after some seconds.
NEW_EACH_TIME = LookPace(renew_s=0.0)


@asynccontextmanager
async def _looking(
    settings: Settings, *checks: Check, told: list[bool] | None = None
) -> AsyncIterator[Readiness]:
    assert settings.database_url is not None
    readiness = Readiness(
        settings.database_url,
        NEW_EACH_TIME,
        checks=checks,
        came_back=None if told is None else lambda: told.append(True),
    )
    async with readiness.watched():
        yield readiness


async def test_a_read_only_database_is_not_ready(
    settings: Settings, superuser: asyncpg.Connection
) -> None:
    """It said ok."""
    told: list[bool] = []
    name = await superuser.fetchval("SELECT current_database()")
    async with _looking(settings, told=told) as readiness:
        assert readiness.report()["checks"] == {
            name: {"status": "ok"} for name in ("database", "writable", "clock", "draining")
        }
        await superuser.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await readiness.look()
        assert not readiness.ready
        assert not readiness.database_ready
        assert readiness.report()["checks"]["writable"] == {
            "status": "failed",
            "reason": "the database is read-only",
        }
        await superuser.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        assert not told
        await readiness.look()
        assert readiness.ready
        assert told, "connections that began read-only are replaced"


async def test_an_unconfirmed_database_is_a_warning(ctx: AppContext) -> None:
    """Payouts wait for the operator; requests need not."""
    readiness = readiness_of(ctx)
    async with readiness.watched():
        assert readiness.report()["warnings"] == {}
    await note(ctx.database)
    await ctx.database.pool.execute(
        "INSERT INTO database_generation (generation, mark, system_identifier, timeline,"
        " database_oid) SELECT 2, 'fedcba98', system_identifier, timeline, database_oid"
        " FROM database_generation"
    )
    readiness = readiness_of(ctx)
    async with readiness.watched():
        for _ in range(2):  # the second time it is not asked for again
            report = readiness.report()
            assert report["status"] == "ok"
            assert list(report["warnings"]) == ["generation"]
            assert "privata restored" in report["warnings"]["generation"]
            await readiness.look()


async def test_a_database_that_is_far_away_is_ready(settings: Settings) -> None:
    """Also when the connection of the looks is replaced, and with every check."""
    async with relayed(str(settings.database_url), delay_s=0.15) as line:
        pace = LookPace(every_s=3600, renew_s=0.0)
        checks = (schema_check(), generation_warning())
        readiness = Readiness(line.url, pace, checks=checks)
        async with readiness.watched():
            for _ in range(3):
                assert readiness.ready, readiness.reasons()
                await readiness.look()


async def test_a_full_database_keeps_the_connection_of_the_looks(
    settings: Settings, superuser: asyncpg.Connection
) -> None:
    name = await superuser.fetchval("SELECT current_database()")
    async with _looking(settings) as readiness:
        await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        await readiness.look()
        assert readiness.ready


async def test_an_old_schema_is_not_ready(
    settings: Settings, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("DELETE FROM django_migrations WHERE app = 'events'")
    async with _looking(settings, schema_check()) as readiness:
        reason = readiness.reasons()["schema"]
        assert reason is not None
        assert "older than this release" in reason
        assert "events.0001_initial first" in reason
        assert readiness.database_ready


@pytest.mark.parametrize("first", [True, False])
async def test_a_newer_schema_counts_where_it_was_there_first(
    settings: Settings, superuser: asyncpg.Connection, first: bool
) -> None:
    """While a release is rolled out, servers of the one before go on."""
    insert = "INSERT INTO django_migrations (app, name, applied) VALUES ('events', '9999_x', now())"
    check = schema_check()
    if first:
        await superuser.execute(insert)
    for _ in range(2):
        async with _looking(settings, check) as readiness:
            reason = readiness.reasons()["schema"]
        if first:
            assert reason is not None
            assert "newer than this release" in reason
            assert "events.9999_x first" in reason
        else:
            assert reason is None
            await superuser.execute(insert)


async def test_a_program_adds_checks_of_its_own(settings: Settings) -> None:
    asked = 0

    async def ask(connection: asyncpg.Connection) -> str | None:
        nonlocal asked
        asked += 1
        return await connection.fetchval("SELECT 'the key is another one'")  # type: ignore[no-any-return]

    lag = Lag()
    async with _looking(settings, Check("key", ask, every_s=3600)) as readiness:
        readiness.add("deliveries", lag.reason)
        await readiness.look()
        assert asked == 1
        assert readiness.reasons()["key"] == "the key is another one", "it is kept meanwhile"
        assert readiness.reasons()["deliveries"] is None
        lag.seconds = LATE_S + 1
        assert readiness.reasons()["deliveries"] == (
            "the oldest due delivery has been waiting for 61 s"
        )


async def test_a_worker_has_probes_on_a_port_of_its_own(settings: Settings, tmp_path: Path) -> None:
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    port = free_port()
    env = environment_for(
        tmp_path,
        settings.database_url,
        settings.database_owner_url,
        PRIVATA_WORKER_HEALTH_PORT=str(port),
    )
    with program("privata", "worker", env=env):
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", verify=NO_AUTHORITIES, timeout=10
        ) as client:

            async def ready() -> dict[str, object] | None:
                try:
                    answer = await client.get("/readyz")
                except httpx.TransportError:
                    return None
                found: dict[str, object] = answer.json()
                return found if answer.status_code == 200 else None

            checks = (await wait_for(ready, seconds=120))["checks"]
            assert isinstance(checks, dict)
            assert set(checks) == {
                *("database", "writable", "clock", "schema", "keys", "draining", "deliveries")
            }
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/")).status_code == 404
