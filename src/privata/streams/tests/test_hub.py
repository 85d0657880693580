"""Fan-out: nothing is missed and nothing comes twice, however bells, clients and readers behave."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest

from conftest import wait_for
from privata.core.tenancy import Actor
from privata.infra.kernel import Kernel
from privata.infra.settings import Settings
from privata.streams.connection import QUEUE
from privata.streams.hub import Hub, Pace
from privata.streams.states import Ending

from .following import DEAF, following, hub_on, key_actor, new_order, tell


async def test_an_event_reaches_every_stream_of_its_order_and_no_other(
    kernel: Kernel, organization: UUID
) -> None:
    actor = await key_actor(kernel, organization)
    order_id, other_id = await new_order(kernel, actor), await new_order(kernel, actor)
    async with (
        hub_on(kernel) as hub,
        following(kernel, hub, actor, order_id) as one,
        following(kernel, hub, actor, order_id) as two,
        following(kernel, hub, actor, other_id) as other,
    ):
        await one.has(1)
        await two.has(1)
        await tell(kernel, actor, order_id, 2, 3)
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
    kernel: Kernel, organization: UUID
) -> None:
    """Streams that open while the order moves: registered first, then read, told by numbers."""
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    rng = random.Random(7)

    async def watch(hub: Hub, after: int) -> list[int]:
        await asyncio.sleep(rng.random() * 0.3)
        place = f"{order_id}:confirming:{after}"
        async with following(kernel, hub, actor, order_id, last_event_id=place) as client:
            await client.has(*range(after + 1, 31))
            return client.numbers

    async with hub_on(kernel) as hub:
        watching = [asyncio.create_task(watch(hub, 1)) for _ in range(20)]
        for seq in range(2, 31):
            await tell(kernel, actor, order_id, seq)
            await asyncio.sleep(rng.random() * 0.02)
        for found in await asyncio.gather(*watching):
            assert found == list(range(2, 31))


async def test_a_slow_client_holds_up_nobody_and_loses_nothing(
    kernel: Kernel, organization: UUID
) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    async with (
        hub_on(kernel, Pace(look_s=0.1)) as hub,
        following(kernel, hub, actor, order_id) as quick,
        following(kernel, hub, actor, order_id) as slow,
    ):
        await quick.has(1)
        await slow.has(1)
        slow.taking.clear()
        last = 5 * QUEUE
        for seq in range(2, last + 1):
            await tell(kernel, actor, order_id, seq)
            await quick.has(*range(1, seq + 1))
        assert slow.numbers == [1]
        assert len(slow.opened.stream._queue) <= QUEUE
        slow.taking.set()
        await slow.has(*range(1, last + 1))


async def test_a_client_that_takes_nothing_at_all_is_given_up(
    kernel: Kernel, organization: UUID
) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    async with hub_on(kernel) as hub, following(kernel, hub, actor, order_id) as client:
        await client.has(1)
        client.taking.clear()

        async def gone() -> bool:
            return len(hub) == 0

        await wait_for(gone)
        assert client.opened.stream.ending is Ending.STALLED


async def test_lost_bells_cost_a_look(kernel: Kernel, organization: UUID) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    async with hub_on(kernel, DEAF) as hub, following(kernel, hub, actor, order_id) as client:
        await client.has(1)
        await kernel.database.pool.execute(
            "INSERT INTO event (event_id, organization_id, environment, channel, type, order_id,"
            " order_seq, body) VALUES ($1, $2, 'test', 'order', 'order.sending', $1, 2, $3)",
            order_id,
            organization,
            b'{"n":2}',
        )
        await hub.look()  # nobody rang
        await client.has(1, 2)


async def test_the_listening_connection_may_be_cut(
    kernel: Kernel, organization: UUID, settings: Settings
) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    pace = Pace(look_s=3600, again_s=0.01)
    async with (
        hub_on(kernel, pace) as hub,
        following(kernel, hub, actor, order_id) as client,
    ):
        await client.has(1)
        owner = await asyncpg.connect(settings.database_url)
        for seq in range(2, 12):
            # A bell and the end of the connection arrive together.
            cut = await owner.fetchval(
                "SELECT count(pg_notify('privata_streams', $1)) * 0"
                " + count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'privata-bell'",
                order_id,
            )
            await tell(kernel, actor, order_id, seq)
            await client.has(*range(1, seq + 1))
            assert cut <= 1, "one listening connection for each process"
        await owner.close()


async def test_heartbeats_come_from_one_wheel(kernel: Kernel, organization: UUID) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    async with hub_on(kernel) as hub, following(kernel, hub, actor, order_id) as client:

        async def beaten() -> bool:
            return client.beats >= 3

        await wait_for(beaten)
        assert client.numbers == [1]


async def test_a_terminal_event_ends_the_stream(kernel: Kernel, organization: UUID) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    async with hub_on(kernel) as hub, following(kernel, hub, actor, order_id) as client:
        await tell(kernel, actor, order_id, 2, status="completed")
        await client.has(1, 2)

        async def over() -> bool:
            return client.over

        await wait_for(over)
        assert client.opened.stream.ending is Ending.FINISHED


@pytest.mark.parametrize("streams", [0, 40])
async def test_closing_ends_every_stream_and_leaves_no_open_row(
    kernel: Kernel, organization: UUID, streams: int
) -> None:
    actor = await key_actor(kernel, organization)
    order_id = await new_order(kernel, actor)
    async with hub_on(kernel) as hub:
        for _ in range(streams):
            await hub_client(kernel, hub, actor, order_id)
        hub.close()

        async def ended() -> bool:
            return len(hub) == 0

        await wait_for(ended)
    rows = await kernel.database.pool.fetch("SELECT DISTINCT reason FROM stream")
    assert [row["reason"] for row in rows] == (["restart"] if streams else [])
    assert await kernel.database.pool.fetchval("SELECT count(*) FROM stream_node") == 0


async def hub_client(kernel: Kernel, hub: Hub, actor: Actor, order_id: str) -> None:
    """A client that stays until the stream ends."""

    async def stay() -> None:
        async with following(kernel, hub, actor, order_id) as client:
            await client.left.wait()

    before = len(hub)
    task = asyncio.create_task(stay())
    _STAYING.add(task)
    task.add_done_callback(_STAYING.discard)

    async def there() -> bool:
        return len(hub) == before + 1

    await wait_for(there)


_STAYING: set[asyncio.Task[None]] = set()
