"""The cap holds over processes, dead nodes count no more, and dead keys lose their streams."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from conftest import wait_for
from privata.core.errors import NotFound, OrderNotFound, RateLimited
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.streams.hub import Hub, Pace
from privata.streams.service import end_stream, forget_closed, open_stream
from privata.streams.states import Ending

from .following import FAST, following, hub_on, key_actor, new_order

#: Streams are only opened and counted; nothing happens by itself.
STILL = Pace(beat_s=3600, look_s=3600, sign_s=3600)

OPEN = "SELECT count(*) FROM stream WHERE closed_at IS NULL"


async def limit(ctx: AppContext, organization: UUID, streams: int) -> None:
    await ctx.database.pool.execute(
        "UPDATE organization SET live_streams = $2 WHERE id = $1", organization, streams
    )


async def test_race_many_open_at_once_over_two_processes(
    ctx: AppContext, organization: UUID, settings: Settings
) -> None:
    actor = await key_actor(ctx, organization, Environment.LIVE)
    order_id = await new_order(ctx, actor)
    await limit(ctx, organization, 7)
    assert settings.database_url is not None
    second = await AppContext.open(settings, settings.database_url)
    async with hub_on(ctx, STILL) as here, hub_on(second, STILL) as there:
        hubs = [(ctx, here), (second, there)]

        async def attempt(number: int) -> bool:
            mine, hub = hubs[number % 2]
            try:
                await open_stream(mine, hub, actor=actor, order_id=order_id, last_event_id=None)
            except RateLimited:
                return False
            return True

        opened = await asyncio.gather(*(attempt(number) for number in range(60)))
        assert sum(opened) == 7
        assert await ctx.database.pool.fetchval(OPEN) == 7
        assert len(here) + len(there) == 7
    await second.close()


async def test_the_refusal_names_the_cap_and_says_when_to_come_back(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx, STILL) as hub:
        for _ in range(50):
            await open_stream(ctx, hub, actor=actor, order_id=order_id, last_event_id=None)
        with pytest.raises(RateLimited, match="its limit of 50 open streams in test") as refused:
            await open_stream(ctx, hub, actor=actor, order_id=order_id, last_event_id=None)
        assert int(refused.value.headers["Retry-After"]) > 0
        live = await key_actor(ctx, organization, Environment.LIVE)
        theirs = await new_order(ctx, live)
        await open_stream(ctx, hub, actor=live, order_id=theirs, last_event_id=None)


async def test_who_reconnects_at_the_cap_finds_its_own_place(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization, Environment.LIVE)
    order_id = await new_order(ctx, actor)
    await limit(ctx, organization, 1)
    async with hub_on(ctx, STILL) as hub:
        for _ in range(20):
            async with following(ctx, hub, actor, order_id) as client:
                await client.has(1)


async def test_streams_of_a_dead_node_count_no_more_and_are_closed_by_others(
    ctx: AppContext, organization: UUID, settings: Settings
) -> None:
    actor = await key_actor(ctx, organization, Environment.LIVE)
    order_id = await new_order(ctx, actor)
    await limit(ctx, organization, 2)
    assert settings.database_url is not None
    second = await AppContext.open(settings, settings.database_url)
    async with (
        hub_on(ctx, STILL) as dead,
        hub_on(second, STILL) as living,
        AsyncExitStack() as up,
    ):
        for _ in range(2):
            client = await up.enter_async_context(following(ctx, dead, actor, order_id))
            await client.has(1)
        with pytest.raises(RateLimited):
            await open_stream(second, living, actor=actor, order_id=order_id, last_event_id=None)
        await ctx.database.pool.execute("UPDATE stream_node SET seen_at = now() - interval '91 s'")
        await open_stream(second, living, actor=actor, order_id=order_id, last_event_id=None)
        await living.sign()
        reasons = await ctx.database.pool.fetch(
            "SELECT reason, count(*) FROM stream GROUP BY reason ORDER BY reason"
        )
        assert [tuple(row) for row in reasons] == [("node_lost", 2), (None, 1)]
        # The node only stood still. It is not taken back: its streams end and come again.
        await dead.sign()

        async def ended() -> bool:
            return len(dead) == 0

        await wait_for(ended)
        before = dead.node.id
        async with following(ctx, dead, actor, order_id) as again:
            await again.has(1)
        assert dead.node.id != before
    await second.close()


async def test_a_stream_without_its_row_ends(ctx: AppContext, organization: UUID) -> None:
    """As after a crash of the database that forgot the last moment."""
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with (
        hub_on(ctx, STILL) as hub,
        following(ctx, hub, actor, order_id) as lost,
        following(ctx, hub, actor, order_id) as kept,
    ):
        await lost.has(1)
        await ctx.database.pool.execute("DELETE FROM stream WHERE id = $1", lost.opened.stream.id)
        await hub.sign()

        async def over() -> bool:
            return lost.over

        await wait_for(over)
        assert not kept.over


async def test_a_row_without_its_stream_is_closed(ctx: AppContext, organization: UUID) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx, STILL) as hub:
        opened = await open_stream(ctx, hub, actor=actor, order_id=order_id, last_event_id=None)
        assert opened is not None
        hub._streams.pop(opened.stream.id)
        await hub.sign()
        assert await ctx.database.pool.fetchval(OPEN) == 1
        await hub.sign()

        async def closed() -> bool:
            return bool(await ctx.database.pool.fetchval(OPEN) == 0)

        await wait_for(closed)


@pytest.mark.parametrize(
    "death",
    [
        "UPDATE api_key SET revoked_at = now() WHERE id = $1",
        "UPDATE api_key SET expires_on = (now() AT TIME ZONE 'UTC')::date WHERE id = $1",
        "UPDATE api_key SET scopes = '{payouts:read}' WHERE id = $1",
        "UPDATE api_key_secret SET dead_at = now() WHERE key_id = $1",
        "UPDATE organization AS o SET status = 'rejected' FROM api_key AS k"
        " WHERE k.organization_id = o.id AND k.id = $1",
    ],
)
async def test_a_key_that_is_no_longer_good_loses_its_streams(
    ctx: AppContext, organization: UUID, death: str
) -> None:
    neighbour = organization
    if "organization" in death:
        neighbour = uuid4()
        await ctx.database.pool.execute(
            "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', 'approved')",
            neighbour,
        )
    actor, other = await key_actor(ctx, organization), await key_actor(ctx, neighbour)
    order_id = await new_order(ctx, actor)
    theirs = order_id if neighbour == organization else await new_order(ctx, other)
    async with (
        hub_on(ctx, FAST) as hub,
        following(ctx, hub, actor, order_id) as client,
        following(ctx, hub, other, theirs) as stays,
    ):
        await client.has(1)
        await ctx.database.pool.execute(death, UUID(actor.id))

        async def over() -> bool:
            return client.over

        await wait_for(over)
        assert client.opened.stream.ending is Ending.KEY_DEAD
        assert not stays.over


async def test_one_is_ended_from_the_dashboard_by_its_own_people_only(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    stranger = await key_actor(ctx, organization, Environment.LIVE)
    order_id = await new_order(ctx, actor)
    pace = Pace(look_s=3600, sign_s=3600)  # the wake-up alone must do
    async with hub_on(ctx, pace) as hub, following(ctx, hub, actor, order_id) as client:
        await client.has(1)
        row_id = client.opened.stream.id
        with pytest.raises(NotFound):
            await end_stream(ctx, actor=stranger, stream_id=row_id)
        await end_stream(ctx, actor=actor, stream_id=row_id)

        async def over() -> bool:
            return client.over

        await wait_for(over)

        async def closed() -> bool:
            return bool(await ctx.database.pool.fetchval(OPEN) == 0)

        await wait_for(closed)
        with pytest.raises(NotFound):
            await end_stream(ctx, actor=actor, stream_id=row_id)
    entry = await ctx.database.pool.fetchrow(
        "SELECT target, changes FROM audit_entry WHERE action = 'stream.closed'"
    )
    assert entry is not None
    assert entry["target"] == str(row_id)
    assert order_id in entry["changes"]
    assert await ctx.database.pool.fetchval("SELECT reason FROM stream") == "closed_here"


async def test_nothing_is_opened_for_an_order_of_somebody_else(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    stranger = await key_actor(ctx, organization, Environment.LIVE)
    order_id = await new_order(ctx, actor)
    hub = Hub(ctx, STILL)
    with pytest.raises(OrderNotFound):
        await open_stream(ctx, hub, actor=stranger, order_id=order_id, last_event_id=None)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM stream") == 0


async def test_closed_streams_are_forgotten_after_a_day(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx, STILL) as hub:
        for _ in range(3):
            await open_stream(ctx, hub, actor=actor, order_id=order_id, last_event_id=None)
    await ctx.database.pool.execute(
        "UPDATE stream SET closed_at = closed_at - interval '25 hours'"
        " WHERE id > (SELECT min(id) FROM stream)"
    )
    assert await forget_closed(ctx) == 2
    assert await forget_closed(ctx) == 0
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM stream") == 1
