"""The dispatcher against the shipped receiver: what arrives, in which order, and what it costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest

from conftest import Cluster, wait_for
from privata.events.service import DELIVERIES_WAKEUP, LIVE_WAKEUP
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import pause_endpoint, update_endpoint
from privata.webhooks.engine import dispatcher
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.receiver.api import Behaviour, create_app, running
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.tests.deliveries import (
    EVERY_ATTEMPT,
    actor_of,
    attempt_record,
    attempts,
    claim_some,
    count,
    dispatching,
    drained,
    endpoint,
    make_due,
    publish_order,
    receiving,
    reconnecting,
    recorded,
)


async def test_events_arrive_signed_once_and_in_order(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, _), dispatching(ctx):
        for _ in range(20):
            await publish_order(ctx, organization, (1, 2, 3))
        await drained(ctx)
    stats = app.log.stats()
    assert (stats["verified"], stats["unique_events"]) == (60, 60)
    assert (stats["unverified"], stats["duplicates"], stats["out_of_order"]) == (0, 0, 0)
    assert await count(ctx, "status = 'delivered' AND attempts = 1 AND NOT in_flight") == 60


async def test_a_failure_is_recorded_and_tried_again(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, _), dispatching(ctx):
        app.behaviour = Behaviour("fail", 503, times=1)
        await publish_order(ctx, organization)
        await recorded(ctx, 1)
        row = await ctx.database.pool.fetchrow("SELECT * FROM webhook_due")
        assert row is not None
        assert (row["attempts"], row["last_status_code"]) == (1, 503)
        wait = (row["due_at"] - row["first_attempt_at"]).total_seconds()
        assert 60 <= wait < 70
        await make_due(ctx)
        await drained(ctx)
    first, second = await attempts(ctx, row["id"])
    assert (first["outcome"], second["outcome"]) == ("http_error", "delivered")
    assert (first["number"], second["number"]) == (1, 2)
    kept = app.log.find()
    assert {one.attempt for one in kept} == {"1", "2"}
    assert len({one.body_sha256 for one in kept}) == 1


async def test_the_schedule_ends_in_exhausted(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, _), dispatching(ctx):
        app.behaviour = Behaviour("fail", 500)
        await publish_order(ctx, organization)
        for number in range(1, 9):
            await recorded(ctx, number)
            assert await count(ctx, f"attempts = {number}") == 1
            await make_due(ctx)
        assert await count(ctx, "status = 'exhausted'") == 1
    assert app.log.stats()["received"] == 8


async def test_retry_after_is_honoured(ctx: AppContext, organization: UUID) -> None:
    async def throttling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(throttling, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        await endpoint(ctx, organization, f"http://localhost:{port}/")
        async with dispatching(ctx):
            await publish_order(ctx, organization)
            await recorded(ctx, 1)
    wait = await ctx.database.pool.fetchval("SELECT due_at - now() FROM webhook_due")
    assert 7100 < wait.total_seconds() <= 7200


async def test_410_pauses_and_resume_delivers_what_was_held_in_order(
    ctx: AppContext, organization: UUID
) -> None:
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        app.behaviour = Behaviour("gone", 410, times=1)
        order_id = await publish_order(ctx, organization, (1,))
        await recorded(ctx, 1)
        await publish_order(ctx, organization, (2, 3, 4), order_id)
        assert await count(ctx, "status = 'pending'") == 4
        actor = actor_of(organization)
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await make_due(ctx)
        await drained(ctx)
    assert app.log.stats()["received"] == 5
    firsts = [one.seq for one in reversed(app.log.find()) if one.attempt == "1"]
    assert firsts == [1, 2, 3, 4]


async def test_nothing_published_while_paused_is_lost(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        actor = actor_of(organization)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, pace_per_s=500)
        for _ in range(50):
            await publish_order(ctx, organization, (1, 2, 3))
        assert app.log.stats()["received"] == 0
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await drained(ctx)
    stats = app.log.stats()
    assert (stats["unique_events"], stats["received"], stats["out_of_order"]) == (150, 150, 0)


async def test_what_waits_goes_to_the_new_url(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, secret = await endpoint(ctx, organization, "http://localhost:1/old")
    async with running(create_app(secret)) as base, dispatching(ctx):
        await publish_order(ctx, organization)
        await recorded(ctx, 1)
        actor = actor_of(organization)
        await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, url=f"{base}/hook")
        await make_due(ctx)
        await drained(ctx)
    rows = await ctx.database.pool.fetch(
        f"SELECT outcome, url FROM {EVERY_ATTEMPT} ORDER BY lease_token"
    )
    assert [row["outcome"] for row in rows] == ["connection", "delivered"]
    assert rows[0]["url"] == "http://localhost:1/old"


async def test_no_gap_while_a_secret_is_rotated(ctx: AppContext, organization: UUID) -> None:
    """During the overlap both signatures travel: the receiver may change over at any moment."""
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        await publish_order(ctx, organization)
        await drained(ctx)
        old = app.secrets
        new = await _rotate(ctx, endpoint_id)
        await publish_order(ctx, organization)
        await drained(ctx)
        app.secrets = [new]
        await publish_order(ctx, organization)
        await drained(ctx)
        await ctx.database.pool.execute(
            "UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL"
        )
        app.secrets = old
        await publish_order(ctx, organization)
        await recorded(ctx, 4)
    assert app.log.stats()["unverified"] == 1
    used = await ctx.database.pool.fetch(
        f"SELECT cardinality(secret_ids) AS n FROM {EVERY_ATTEMPT} ORDER BY lease_token, started_at"
    )
    assert [row["n"] for row in used] == [1, 2, 2, 1]


async def _rotate(ctx: AppContext, endpoint_id: UUID) -> str:
    secret_id, secret = UUID(int=7), "whsec_test_new"
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(
            "UPDATE webhook_secret SET expires_at = now() + interval '5 min'"
        )
        await tx.connection.execute(
            "INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed,"
            " hint) SELECT organization_id, environment, $1, id, $3, 'x' FROM webhook_endpoint"
            " WHERE id = $2",
            secret_id,
            endpoint_id,
            ctx.sealer.seal(secret.encode(), f"webhook_secret:{secret_id}"),
        )
    return secret


async def test_a_secret_that_does_not_open_costs_no_attempt(
    ctx: AppContext, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(ctx, organization) as (app, _), dispatching(ctx):
        await ctx.database.pool.execute("UPDATE webhook_secret SET sealed = '\\x0102'")
        await publish_order(ctx, organization)
        await recorded(ctx, 1)
    assert app.log.stats()["received"] == 0
    assert await count(ctx, "attempts = 0 AND last_outcome = 'internal'") == 1
    assert "cannot be signed" in caplog.text


async def test_pages_hear_of_recorded_deliveries(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization), dispatching(ctx):
        await publish_order(ctx, organization)
        await drained(ctx)
        async with ctx.database.listening(LIVE_WAKEUP) as wakeups:
            assert await wakeups.get() is None  # it hears
            await publish_order(ctx, organization)
            heard: set[str | None] = set()
            async with asyncio.timeout(10):
                while len(heard) < 2:
                    heard.add(await wakeups.get())
                # One more for the record, after those of the publication.
                assert await wakeups.get() == f"{organization}:test:deliveries"


async def test_a_stop_ends_and_records_what_is_under_way(
    ctx: AppContext, organization: UUID
) -> None:
    async with receiving(ctx, organization) as (app, _):
        app.behaviour = Behaviour("slow", 200, delay_ms=300)
        async with dispatching(ctx):
            for _ in range(5):
                await publish_order(ctx, organization)

            async def all_under_way() -> bool:
                return bool(app.log.stats()["received"] == 5)

            await wait_for(all_under_way)
    assert await count(ctx, "status = 'delivered'") == 5


async def test_a_stop_gives_back_what_it_cuts_off(
    ctx: AppContext, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for the end of the lease."""
    monkeypatch.setattr(dispatcher, "MOST_STOP_S", 0.05)
    async with receiving(ctx, organization) as (app, _):
        app.behaviour = Behaviour("hang", 200)
        async with dispatching(ctx):
            await publish_order(ctx, organization)

            async def under_way() -> bool:
                return bool(app.log.stats()["received"])

            await wait_for(under_way)
        assert await count(ctx, "status = 'pending' AND NOT in_flight AND due_at <= now()") == 1
        app.behaviour = Behaviour("ok", 200)
        async with dispatching(ctx):
            await drained(ctx)
    assert await count(ctx, "status = 'delivered' AND attempts = 1 AND lease_token = 2") == 1


async def test_the_database_may_go_away_in_mid_traffic(
    ctx: AppContext, organization: UUID, cluster: Cluster, database_name: str
) -> None:
    """Every connection is cut several times: nothing is lost, and all of it goes on."""
    async with receiving(ctx, organization) as (app, _), dispatching(ctx):
        published = 0
        for _ in range(4):
            for _ in range(15):
                await publish_order(ctx, organization, (1, 2))
                published += 2
            _cut_connections(cluster, database_name)
            await ctx.database.pool.expire_connections()
            await asyncio.sleep(0.05)
        await drained(ctx)
    stats = app.log.stats()
    assert (stats["unique_events"], stats["out_of_order"]) == (published, 0)
    assert await count(ctx, "status = 'delivered'") == published


def _cut_connections(cluster: Cluster, database_name: str) -> None:
    with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (database_name,),
        )


async def test_a_batch_costs_three_statements_at_most(
    ctx: AppContext, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the driver counts on the dispatcher's connections while 48 deliveries go out.

    However the answers happen to fall into batches, a batch is a claim, a record and at most
    one look at what is due next. That each is one statement for any number of rows is below.
    """
    asked: list[str] = []
    connect = asyncpg.connect

    async def connect_logged(*args: Any, **options: Any) -> asyncpg.Connection:
        connection: asyncpg.Connection = await connect(*args, **options)
        if options["server_settings"]["application_name"] == "privata-dispatcher":
            connection.add_query_logger(lambda record: asked.append(record.query))
        return connection

    monkeypatch.setattr(asyncpg, "connect", connect_logged)
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        await publish_order(ctx, organization)
        await drained(ctx)  # connections are open now, statements prepared
        actor = actor_of(organization)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        for _ in range(48):
            await publish_order(ctx, organization)
        app.behaviour = Behaviour("slow", 200, delay_ms=200)
        await asyncio.sleep(0.1)
        asked.clear()
        # Not resumed, which would begin with a probe: simply there again.
        await ctx.database.pool.execute(
            "UPDATE webhook_endpoint SET status = 'active', paused_at = NULL, paused_reason = NULL"
        )
        ctx.database.wake(DELIVERIES_WAKEUP)
        await drained(ctx)
    counted = Counter(query.split()[1] for query in asked)
    batches = counted["result"]
    assert counted["claimed"] <= batches + 2  # and those that found nothing, at the edges
    assert counted.total() <= 3 * batches + 4


async def test_a_claim_and_a_record_are_one_statement_each_for_any_number(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    for _ in range(60):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (first,) = await claim_some(db, 1)
        await record_attempts(db, [attempt_record(first)])  # connected, prepared
        asked = _counted(db)
        claimed = await claim_some(db)
        assert len(claimed) == 59
        assert (await record_attempts(db, [attempt_record(one) for one in claimed])).count == 59
    assert len(asked) == 2


def _counted(db: ReconnectingConnection) -> list[str]:
    asked: list[str] = []
    connection = db._connection
    assert connection is not None
    connection.add_query_logger(lambda record: asked.append(record.query))
    return asked
