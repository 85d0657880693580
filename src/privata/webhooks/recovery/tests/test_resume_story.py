"""Pause and resume with real dispatchers and a real receiver: nothing lost, paced, in order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from conftest import wait_for
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import create_endpoint, pause_endpoint, update_endpoint
from privata.webhooks.engine import dispatcher
from privata.webhooks.receiver.api import Behaviour, Receiver, create_app, running
from privata.webhooks.recovery.resuming import begin_probes, resume_endpoint
from privata.webhooks.tests.deliveries import (
    EVERY_ATTEMPT,
    WAIT_AGAIN,
    actor_of,
    count,
    dispatching,
    drained,
    endpoint,
    endpoint_row,
    flush_progress,
    make_due,
    ops_told,
    publish_order,
    receiving,
)
from privata.webhooks.tests.receivers import read_request, receiver

ORDERS, EVENTS = 1000, 5
PACE = 1000


def has_status(ctx: AppContext, endpoint_id: UUID, status: str) -> Awaitable[bool]:
    async def reached() -> bool:
        return bool((await endpoint_row(ctx, endpoint_id))["status"] == status)

    return wait_for(reached, seconds=60)


async def hold(ctx: AppContext, organization: UUID) -> None:
    """5,000 events of 1,000 orders, their orders interleaved, inserted in one statement."""
    await ctx.database.pool.execute(
        "WITH fact AS ("
        " INSERT INTO event (event_id, organization_id, environment, channel, type, order_id,"
        "                    order_seq, body)"
        " SELECT format('order-%s:%s:1', o, n), $1, 'test', 'order', 'order.confirming',"
        "        format('order-%s', o), n,"
        "        convert_to(json_build_object('event', 'order.confirming', 'event_id',"
        "          format('order-%s:%s:1', o, n), 'seq', n, 'order',"
        "          json_build_object('order_id', format('order-%s', o)))::text, 'UTF8')"
        " FROM generate_series(1, $3::int) AS n, generate_series(1, $2::int) AS o"
        " ORDER BY n, o RETURNING seq, order_id)"
        " INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq,"
        "                          order_id)"
        " SELECT $1, 'test', e.id, fact.seq, fact.order_id FROM fact, webhook_endpoint AS e"
        " WHERE e.channel = 'order'",
        organization,
        ORDERS,
        EVENTS,
    )


async def test_five_thousand_held_are_delivered_paced_and_in_order(
    ctx: AppContext, organization: UUID
) -> None:
    """Two workers; what each claimed within any second is never above the pace."""
    async with receiving(ctx, organization) as (app, endpoint_id):
        actor = actor_of(organization)
        await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, pace_per_s=PACE)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await hold(ctx, organization)
        async with dispatching(ctx), dispatching(ctx):
            await asyncio.sleep(0.1)
            assert app.log.stats()["received"] == 0
            resumed = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
            assert resumed.waiting == ORDERS * EVENTS
            await has_status(ctx, endpoint_id, "active")
            await drained(ctx)
        stats = app.log.stats()
        assert await flush_progress(ctx, actor, endpoint_id) == (0, 5000)
    assert (stats["unique_events"], stats["received"]) == (5000, 5000)
    assert (stats["out_of_order"], stats["duplicates"]) == (0, 0)
    assert await count(ctx, "status = 'delivered' AND attempts = 1") == 5000
    assert await most_in_a_second(ctx) <= PACE


async def most_in_a_second(ctx: AppContext) -> int:
    """The most attempts that began within any second, by the database's time of their claims."""
    found: int = await ctx.database.pool.fetchval(
        f"SELECT max(n) FROM (SELECT count(*) OVER ("
        "   ORDER BY started_at RANGE BETWEEN CURRENT ROW AND interval '999 ms' FOLLOWING) AS n"
        f" FROM {EVERY_ATTEMPT}) AS windows"
    )
    return found


async def test_a_hanging_endpoint_of_another_keeps_nobody_from_the_pace(
    ctx: AppContext, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one hung with a backlog, nothing but the net woke for a resumption and for retries:
    2 events a second instead of 20. Here the net is so wide that it catches nothing.
    """
    monkeypatch.setattr(dispatcher, "NET_S", 600.0)

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.Event().wait()

    other = uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', 'approved')", other
    )
    patient = ctx.settings.model_copy(update={"delivery_timeout_seconds": 60.0})
    ctx = replace(ctx, settings=patient)
    async with (
        dispatching(ctx),
        receiver(hang) as hanging,
        receiving(ctx, organization) as (app, endpoint_id),
    ):
        actor = actor_of(organization)
        await endpoint(ctx, other, hanging.url)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        for _ in range(20):
            await publish_order(ctx, other)
            await publish_order(ctx, organization)
        await wait_for(lambda: _all_that_it_may(ctx, other))
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        mine = f"organization_id = '{organization}'"
        await wait_for(lambda: _none(ctx, f"{mine} AND status = 'pending'"))
        # A retry that becomes due, of which no wake-up says anything.
        await ctx.database.pool.execute(
            WAIT_AGAIN.format(
                where="id = (SELECT id FROM webhook_delivery"
                f" WHERE {mine} ORDER BY event_seq LIMIT 1)",
                due="now() + interval '0.5 s'",
            )
        )
        await publish_order(ctx, organization)
        await wait_for(lambda: _none(ctx, f"{mine} AND status = 'pending'"))
        assert app.log.stats()["received"] == 22
        assert await count(ctx, f"organization_id = '{other}' AND status = 'pending'") == 20


async def _all_that_it_may(ctx: AppContext, organization: UUID) -> bool:
    """Some are under way, and more is due for which there is no slot."""
    mine = f"organization_id = '{organization}' AND"
    return await count(ctx, f"{mine} in_flight") > 0 < await count(ctx, f"{mine} NOT in_flight")


async def _none(ctx: AppContext, where: str) -> bool:
    return await count(ctx, where) == 0


async def test_fifty_failures_pause_once_with_two_workers_and_ops_hears(
    ctx: AppContext, organization: UUID
) -> None:

    async def none_in_flight() -> bool:
        return await count(ctx, "in_flight") == 0

    app, ops = create_app(), create_app()
    async with running(app) as base, running(ops) as ops_base:
        endpoint_id, secret = await endpoint(ctx, organization, f"{base}/hook")
        _, ops_secret = await create_endpoint(
            ctx,
            actor=actor_of(organization),
            url=f"{ops_base}/hook",
            alias="Ops",
            channel="ops",
        )
        app.secrets, ops.secrets = [secret], [ops_secret]
        app.behaviour = Behaviour("fail", 500)
        async with dispatching(ctx), dispatching(ctx):
            for _ in range(90):
                await publish_order(ctx, organization)
            await has_status(ctx, endpoint_id, "paused")
            await wait_for(heard(ops, 1))
            await wait_for(none_in_flight)
            attempted = app.log.stats()["received"]
            # The fiftieth, and what two workers had under way at that moment.
            assert 50 <= attempted <= 50 + 2 * ctx.settings.dispatch_per_endpoint
            app.behaviour = Behaviour()
            await make_due(ctx)
            actor = actor_of(organization)
            await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, pace_per_s=500)
            await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
            await drained(ctx)
            await wait_for(heard(ops, 2))
    events = [one.event for one in reversed(ops.log.find())]
    assert events == ["webhook_paused", "webhook_resumed"]
    assert all(one.verified for one in ops.log.find())
    assert app.log.stats()["unique_events"] == 90
    assert Counter(one["event"] for one in await ops_told(ctx)) == {
        "webhook_paused": 1,
        "webhook_resumed": 1,
    }


def heard(app: Receiver, number: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return bool(app.log.stats()["received"] >= number)

    return enough


async def test_a_receiver_that_is_still_down_gets_one_probe(
    ctx: AppContext, organization: UUID
) -> None:
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        actor = actor_of(organization)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        for _ in range(30):
            await publish_order(ctx, organization)
        app.behaviour = Behaviour("fail", 503)
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await has_status(ctx, endpoint_id, "paused")
        assert app.log.stats()["received"] == 1
        assert await count(ctx, "attempts = 0 AND status = 'pending'") == 29


async def test_it_comes_back_unaided(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        await publish_order(ctx, organization)
        await drained(ctx)
        await ctx.database.pool.execute(
            "UPDATE webhook_endpoint SET status = 'paused', paused_reason = 'failures',"
            " paused_at = now() - interval '1 hour'"
        )
        for _ in range(10):
            await publish_order(ctx, organization)
        app.behaviour = Behaviour("fail", 500, times=1)
        assert await begin_probes(ctx, 600) == 1
        await has_status(ctx, endpoint_id, "paused")
        await ctx.database.pool.execute("UPDATE webhook_endpoint SET probed_at = NULL")
        await make_due(ctx)
        assert await begin_probes(ctx, 600) == 1
        await drained(ctx)
        await has_status(ctx, endpoint_id, "active")
    assert app.log.stats()["unique_events"] == 11
    assert [one["reason"] for one in await ops_told(ctx)] == ["probe"]
