"""Numbers: one for each event, in the order of the commits, by any number of readers at once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from privata.core.tenancy import Environment
from privata.events import numbering
from privata.events.feed import MAX_LIMIT
from privata.events.numbering import BATCH, number_arrivals
from privata.events.service import NewEvent, publish
from privata.events.tests.test_feed import read, tell
from privata.infra.context import AppContext

TEST = Environment.TEST

_COUNTS = (
    "SELECT (SELECT count(*) FROM event_arrival), (SELECT count(*) FROM event_position),"
    " (SELECT last FROM event_head)"
)

#: What the release before published with; its `xid` is the column's default.
_OLD_PUBLISH = """
INSERT INTO event (event_id, organization_id, environment, channel, type, order_id, order_seq, body)
VALUES ($1, $2, 'test', 'ops', 'x', NULL, NULL, '{}')
"""


async def counts(ctx: AppContext) -> tuple[int, int, int | None]:
    """Events without a number, events with one, and the last number."""
    row = await ctx.database.pool.fetchrow(_COUNTS)
    assert row is not None
    return row[0], row[1], row[2]


async def told(ctx: AppContext, organization: UUID, *names: str) -> None:
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, *names)


async def number(ctx: AppContext, organization: UUID) -> None:
    async with ctx.database.pool.acquire() as connection:
        await number_arrivals(connection, organization, TEST)


async def blocked(ctx: AppContext, count: int) -> None:
    """Until so many sessions of this database wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while await ctx.database.pool.fetchval(query) < count:
        await asyncio.sleep(0.01)


async def test_two_who_number_at_once_give_each_event_one_number(
    ctx: AppContext, organization: UUID
) -> None:
    """The second waits with a snapshot in which nothing is numbered yet, and an event more."""
    await told(ctx, organization, "begun")
    await number(ctx, organization)
    await told(ctx, organization, "a", "b")
    async with ctx.database.pool.acquire() as first:
        transaction = first.transaction()
        await transaction.start()
        await number_arrivals(first, organization, TEST)
        await told(ctx, organization, "c")
        others = [asyncio.create_task(number(ctx, organization)) for _ in range(3)]
        await blocked(ctx, 3)
        await transaction.commit()
        await asyncio.gather(*others)
    assert [(one.event_id, one.seq) for one in await read(ctx, organization)] == [
        ("begun", 1),
        ("a", 2),
        ("b", 3),
        ("c", 4),
    ]
    assert await counts(ctx) == (0, 4, 4)


async def test_first_readers_of_a_feed_may_come_together(
    ctx: AppContext, organization: UUID
) -> None:
    await told(ctx, organization, *(f"e{n}" for n in range(20)))
    pages = await asyncio.gather(*(read(ctx, organization) for _ in range(8)))
    assert [one.seq for one in pages[0]] == list(range(1, 21))
    assert all(page == pages[0] for page in pages)


async def test_one_who_is_killed_while_numbering_has_numbered_nothing(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection, superuser: asyncpg.Connection
) -> None:
    await told(ctx, organization, "a")
    await number(ctx, organization)
    await told(ctx, organization, "b", "c")
    transaction = owner.transaction()
    await transaction.start()
    # It waits for the end of this one when the arrivals are taken and the first number is there.
    await owner.execute(
        "INSERT INTO event_position (organization_id, environment, number, event_seq, created_at)"
        " SELECT organization_id, environment, 3, event_seq, created_at FROM event_arrival"
        " ORDER BY event_seq DESC LIMIT 1"
    )
    half_way = asyncio.create_task(number(ctx, organization))
    await blocked(ctx, 1)
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await half_way
    await transaction.rollback()
    assert await counts(ctx) == (2, 1, 1)
    assert [one.event_id for one in await read(ctx, organization, after=1)] == ["b", "c"]


async def test_a_backlog_is_numbered_in_batches_and_read_whole(
    ctx: AppContext, organization: UUID
) -> None:
    """Nobody has read for long: the first who does numbers no more than a batch for a page."""
    total = 2 * BATCH + 300
    await told(ctx, organization, *(f"e{n}" for n in range(total)))
    await told(ctx, organization, "last")
    seen: list[str] = []
    while page := await read(ctx, organization, after=len(seen), limit=MAX_LIMIT):
        before = len(seen)
        seen += [one.event_id for one in page]
        _, numbered, last = await counts(ctx)
        assert numbered == last
        assert numbered <= before + MAX_LIMIT + BATCH
    assert seen == [*(f"e{n}" for n in range(total)), "last"]
    assert await counts(ctx) == (0, total + 1, total + 1)


async def test_a_full_page_numbers_nothing(ctx: AppContext, organization: UUID) -> None:
    await told(ctx, organization, "a", "b")
    await read(ctx, organization)
    await told(ctx, organization, "c")
    assert len(await read(ctx, organization, limit=1)) == 1
    assert await counts(ctx) == (1, 2, 2)


async def test_events_of_an_order_keep_their_order_whatever_a_sequence_says(
    ctx: AppContext, organization: UUID, superuser: asyncpg.Connection
) -> None:
    """On another node of a distributed database, sequences go on elsewhere."""
    async with ctx.database.transaction() as tx:
        for seq in (1, 2):
            await publish(
                tx,
                organization_id=organization,
                environment=TEST,
                channel="order",
                order_id="prv-1",
                events=[NewEvent(f"of an order {seq}", "order.x", b"{}", order_seq=seq)],
            )
        await tell(tx, organization, "another")
    for table, column in (("event", "seq"), ("event_arrival", "event_seq")):
        await superuser.execute(
            f"UPDATE {table} SET {column} = {column} + 562949953421312"
            f" WHERE {column} = (SELECT min({column}) FROM {table})"
        )
    seen = [one.event_id for one in await read(ctx, organization)]
    assert sorted(seen) == ["another", "of an order 1", "of an order 2"]
    assert seen.index("of an order 1") < seen.index("of an order 2")


async def test_an_event_of_the_release_before_has_its_place(
    ctx: AppContext, organization: UUID
) -> None:
    """It leaves no arrival; the two releases publish side by side while one replaces the other."""
    for turn in range(3):
        await ctx.database.pool.execute(_OLD_PUBLISH, f"old {turn}", organization)
        await told(ctx, organization, f"new {turn}")
    seen = [one.event_id for one in await read(ctx, organization)]
    assert seen == [f"{age} {turn}" for turn in range(3) for age in ("old", "new")]


async def test_no_event_has_two_numbers_and_none_is_changed(
    ctx: AppContext, organization: UUID
) -> None:
    await told(ctx, organization, "a")
    await read(ctx, organization)
    again = (
        "INSERT INTO event_position (organization_id, environment, number, event_seq, created_at)"
        " SELECT organization_id, environment, {}, event_seq + {}, created_at FROM event_position"
    )
    for twice in (again.format(2, 0), again.format(1, 1)):
        with pytest.raises(asyncpg.UniqueViolationError):
            await ctx.database.pool.execute(twice)
    for change in ("UPDATE event_position SET number = 2", "DELETE FROM event_position"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ctx.database.pool.execute(change)


def test_a_batch_fills_the_longest_page() -> None:
    assert numbering.BATCH > MAX_LIMIT
