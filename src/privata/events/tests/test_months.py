"""Events by month: each lies in one, is told once over all of them, and the feed goes on."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from privata.core.errors import Resync
from privata.core.ids import new_order_id
from privata.events import retention
from privata.events.feed import events_after
from privata.events.service import NewEvent, publish
from privata.events.tests.months import back_in, begin_with, first_of, months_before, now_again
from privata.events.tests.test_feed import read, reader, tell
from privata.infra.context import AppContext
from privata.infra.database.months import drop_month

_PARTS = "SELECT tableoid::regclass::text FROM {} ORDER BY seq"


async def told(ctx: AppContext, organization: UUID, *names: str) -> None:
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, *names)


async def order_told(ctx: AppContext, organization: UUID, order_id: str, status: str) -> None:
    event = NewEvent(f"{order_id}:{status}:1", f"order.{status}", b"{}", order_seq=1)
    async with ctx.database.transaction() as tx:
        await publish(
            tx,
            organization_id=organization,
            environment=reader(organization).environment,
            channel="order",
            order_id=order_id,
            events=[event],
        )


async def parts(ctx: AppContext, table: str) -> list[str]:
    rows = await ctx.database.pool.fetch(_PARTS.format(table))
    return [row[0].removeprefix(table) for row in rows]


def named(at: datetime) -> str:
    return f"_{at:%Y_%m}"


async def test_the_same_event_cannot_be_published_in_two_months(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    """Each month's own constraint would allow it: the key lies in the order's month for ever."""
    now = ctx.clock.now()
    old = months_before(now, 2)
    await begin_with(owner, first_of(old))
    order_id = new_order_id(old)
    await back_in(owner, old)
    await order_told(ctx, organization, order_id, "failed")
    await now_again(ctx, owner, old)
    with pytest.raises(asyncpg.UniqueViolationError):
        await order_told(ctx, organization, order_id, "failed")
    await order_told(ctx, organization, order_id, "refunded")
    assert await parts(ctx, "event") == [named(old), named(now)]
    assert await parts(ctx, "event_key") == [named(old)] * 2


async def test_numbers_go_on_at_the_first_of_the_month_and_never_back(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    """Nobody made the new month yet: its events have numbers of the one before, in their order."""
    now = ctx.clock.now()
    await back_in(owner, months_before(now, 1))
    await told(ctx, organization, "before")
    pool = ctx.database.pool
    await asyncio.gather(*(retention.make_event_months(pool) for _ in range(4)))
    await told(ctx, organization, "after", "and after")
    await retention.make_event_months(pool)
    await told(ctx, organization, "last")
    seqs = [row[0] for row in await pool.fetch("SELECT seq FROM event ORDER BY created_at, seq")]
    floor = await pool.fetchval("SELECT number_floor(date_trunc('month', now(), 'UTC'))")
    assert seqs[0] < floor
    assert seqs[1:] == [floor + 1, floor + 2, floor + 3]
    assert [one.event_id for one in await read(ctx, organization)] == [
        "before",
        "after",
        "and after",
        "last",
    ]


async def test_a_reader_from_before_what_is_kept_is_told_so_and_numbers_go_on(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    pool, old = ctx.database.pool, months_before(ctx.clock.now(), 20)
    await begin_with(owner, first_of(old))
    empty = await events_after(ctx, actor=reader(organization), after="0", limit=9)
    await back_in(owner, old)
    await told(ctx, organization, "a", "b", "c")
    await now_again(ctx, owner, old)
    page = await events_after(ctx, actor=reader(organization), after="0", limit=2)
    await owner.execute("DELETE FROM event_position WHERE number = 3")
    await owner.execute("UPDATE event_head SET last = 2")
    await owner.execute(
        "INSERT INTO event_arrival (organization_id, environment, event_seq, created_at)"
        " SELECT organization_id, environment, seq, created_at FROM event ORDER BY seq DESC LIMIT 1"
    )
    # The third one was read by nobody; it has a number when it goes, and whoever waits for it is
    # told.
    await retention.forget_numbers(pool, first_of(old))
    assert await retention.drop_events(pool, first_of(old))
    assert await pool.fetchval("SELECT count(*) FROM event") == 0
    await told(ctx, organization, "d")
    for cursor in (page.last, empty.last):
        with pytest.raises(Resync, match="removed after their time"):
            await events_after(ctx, actor=reader(organization), after=cursor, limit=9)
    again = await events_after(ctx, actor=reader(organization), after="0", limit=9)
    assert [(one.event_id, one.seq) for one in again.events] == [("d", 4)]
    assert not (await events_after(ctx, actor=reader(organization), after=again.last, limit=9)).more


async def test_keys_of_younger_events_outlive_their_month(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    """A warning of today about a key that was made two years ago."""
    pool, now = ctx.database.pool, ctx.clock.now()
    old = months_before(now, 20)
    await begin_with(owner, first_of(old))
    order_id, gone = new_order_id(old), new_order_id(old)
    await back_in(owner, old)
    await order_told(ctx, organization, gone, "expired")
    await now_again(ctx, owner, old)
    await order_told(ctx, organization, order_id, "refunded")
    await retention.forget_numbers(pool, first_of(old))
    assert await retention.drop_events(pool, first_of(old))
    assert await parts(ctx, "event_key") == ["_past"]
    with pytest.raises(asyncpg.UniqueViolationError):
        await order_told(ctx, organization, order_id, "refunded")
    await order_told(ctx, organization, gone, "expired")


async def test_the_application_removes_no_young_event(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    pool, now = ctx.database.pool, ctx.clock.now()
    await told(ctx, organization, "a")
    for statement in (
        f"DELETE FROM event_{now:%Y_%m}",
        f"UPDATE event_{now:%Y_%m} SET body = ''",
        f"DROP TABLE event_{now:%Y_%m}",
        "DELETE FROM event_key",
        "INSERT INTO event_key_past SELECT * FROM event_key",
        "SELECT setval('event_seq_seq', 1)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await drop_month(pool, "event", first_of(now))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        young = first_of(now - timedelta(days=200))
        await pool.fetchval("SELECT forget_numbers($1, $2, 1)", organization, young)
    # Numbers of an old month under young events: no worker ran for long.
    old = months_before(now, 20)
    await owner.execute("DELETE FROM event_arrival; DELETE FROM event_key; DELETE FROM event")
    await begin_with(owner, first_of(old))
    await back_in(owner, old)
    await told(ctx, organization, "young")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="younger"):
        await drop_month(pool, "event", first_of(old))
