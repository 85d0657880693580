"""Fan-out: nothing is missed and nothing comes twice, however wake-ups, clients and readers
behave."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest

from conftest import wait_for
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.streams.connection import QUEUE
from privata.streams.hub import Hub, Pace
from privata.streams.states import Ending

from .following import DEAF, following, hub_on, key_actor, new_order, tell


async def test_an_event_reaches_every_stream_of_its_order_and_no_other(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    order_id, other_id = await new_order(ctx, actor), await new_order(ctx, actor)
    async with (
        hub_on(ctx) as hub,
        following(ctx, hub, actor, order_id) as one,
        following(ctx, hub, actor, order_id) as two,
        following(ctx, hub, actor, other_id) as other,
    ):
        await one.has(1)
        await two.has(1)
        await tell(ctx, actor, order_id, 2, 3)
        await one.has(1, 2, 3)
        await two.has(1, 2, 3)
        await other.has(1)
        sent = [part for part in one.written if b"data" in part]
        assert all(a is b for a, b in zip(sent[1:], two.written[-2:], strict=True)), "encoded once"
        assert sent[1] == (
            f"id: {order_id}:confirming:2\nevent: order.confirming\n".encode()
            + b'data: {"n":2}\n\n'
        )


async def test_events_during_the_replay_come_once_and_in_order(
    ctx: AppContext, organization: UUID
) -> None:
    """Streams that open while the order moves: registered first, then read, told by numbers."""
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    rng = random.Random(7)

    async def watch(hub: Hub, after: int) -> list[int]:
        await asyncio.sleep(rng.random() * 0.3)
        partition = f"{order_id}:confirming:{after}"
        async with following(ctx, hub, actor, order_id, last_event_id=partition) as client:
            await client.has(*range(after + 1, 31))
            return client.numbers

    async with hub_on(ctx) as hub:
        watching = [asyncio.create_task(watch(hub, 1)) for _ in range(20)]
        for seq in range(2, 31):
            await tell(ctx, actor, order_id, seq)
            await asyncio.sleep(rng.random() * 0.02)
        for found in await asyncio.gather(*watching):
            assert found == list(range(2, 31))


async def test_a_slow_client_holds_up_nobody_and_loses_nothing(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with (
        hub_on(ctx, Pace(look_s=0.1)) as hub,
        following(ctx, hub, actor, order_id) as quick,
        following(ctx, hub, actor, order_id) as slow,
    ):
        await quick.has(1)
        await slow.has(1)
        slow.taking.clear()
        last = 5 * QUEUE
        for seq in range(2, last + 1):
            await tell(ctx, actor, order_id, seq)
            await quick.has(*range(1, seq + 1))
        assert slow.numbers == [1]
        assert len(slow.opened.stream._queue) <= QUEUE
        slow.taking.set()
        await slow.has(*range(1, last + 1))


async def test_a_client_that_takes_nothing_at_all_is_given_up(
    ctx: AppContext, organization: UUID
) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx) as hub, following(ctx, hub, actor, order_id) as client:
        await client.has(1)
        client.taking.clear()

        async def gone() -> bool:
            return len(hub) == 0

        await wait_for(gone)
        assert client.opened.stream.ending is Ending.STALLED


async def test_lost_wakeups_cost_a_look(ctx: AppContext, organization: UUID) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx, DEAF) as hub, following(ctx, hub, actor, order_id) as client:
        await client.has(1)
        await ctx.database.pool.execute(
            "INSERT INTO event (event_id, organization_id, environment, channel, type, order_id,"
            " order_seq, body) VALUES ($1, $2, 'test', 'order', 'order.sending', $1, 2, $3)",
            order_id,
            organization,
            b'{"n":2}',
        )
        await hub.look()  # nobody was woken
        await client.has(1, 2)


async def test_the_listening_connection_may_be_cut(
    ctx: AppContext, organization: UUID, settings: Settings
) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    pace = Pace(look_s=3600, again_s=0.01)
    async with (
        hub_on(ctx, pace) as hub,
        following(ctx, hub, actor, order_id) as client,
    ):
        await client.has(1)
        owner = await asyncpg.connect(settings.database_url)
        for seq in range(2, 12):
            # A wake-up and the end of the connection arrive together.
            cut = await owner.fetchval(
                "SELECT count(pg_notify('privata_streams', $1)) * 0"
                " + count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'privata-wakeup'",
                order_id,
            )
            await tell(ctx, actor, order_id, seq)
            await client.has(*range(1, seq + 1))
            assert cut <= 1, "one listening connection for each process"
        await owner.close()


async def test_heartbeats_come_from_one_wheel(ctx: AppContext, organization: UUID) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx) as hub, following(ctx, hub, actor, order_id) as client:

        async def beaten() -> bool:
            return client.beats >= 3

        await wait_for(beaten)
        assert client.numbers == [1]


async def test_a_terminal_event_ends_the_stream(ctx: AppContext, organization: UUID) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx) as hub, following(ctx, hub, actor, order_id) as client:
        await tell(ctx, actor, order_id, 2, status="completed")
        await client.has(1, 2)

        async def over() -> bool:
            return client.over

        await wait_for(over)
        assert client.opened.stream.ending is Ending.FINISHED


@pytest.mark.parametrize("streams", [0, 40])
async def test_closing_ends_every_stream_and_leaves_no_open_row(
    ctx: AppContext, organization: UUID, streams: int
) -> None:
    actor = await key_actor(ctx, organization)
    order_id = await new_order(ctx, actor)
    async with hub_on(ctx) as hub:
        for _ in range(streams):
            await hub_client(ctx, hub, actor, order_id)
        hub.close()

        async def ended() -> bool:
            return len(hub) == 0

        await wait_for(ended)
    rows = await ctx.database.pool.fetch("SELECT DISTINCT reason FROM stream")
    assert [row["reason"] for row in rows] == (["restart"] if streams else [])
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM stream_node") == 0


async def hub_client(ctx: AppContext, hub: Hub, actor: Actor, order_id: str) -> None:
    """A client that stays until the stream ends."""

    async def stay() -> None:
        async with following(ctx, hub, actor, order_id) as client:
            await client.left.wait()

    before = len(hub)
    task = asyncio.create_task(stay())
    _STAYING.add(task)
    task.add_done_callback(_STAYING.discard)

    async def there() -> bool:
        return len(hub) == before + 1

    await wait_for(there)


_STAYING: set[asyncio.Task[None]] = set()
