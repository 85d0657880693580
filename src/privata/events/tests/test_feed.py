"""The feed: complete, in order, one's own, and never behind what commits later."""

from __future__ import annotations

import asyncio
import random
import uuid
from uuid import UUID

import pytest

from privata.core.errors import Resync, ValidationFailed
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.events.feed import Told, events_after, feed_of
from privata.events.service import NewEvent, publish
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.tests.test_generation import move


def reader(organization: UUID, environment: Environment = Environment.TEST) -> Actor:
    return Actor(ActorKind.USER, "1", "ada@acme.example", organization, environment)


async def tell(
    tx: Transaction, organization: UUID, *names: str, environment: Environment = Environment.TEST
) -> None:
    events = [NewEvent(name, "webhook.test", f'{{"n": "{name}"}}'.encode()) for name in names]
    await publish(
        tx, organization_id=organization, environment=environment, channel="ops", events=events
    )


def place(organization: UUID, seq: int) -> str:
    """The cursor of an event, in the first generation of a database."""
    return f"00000000.{feed_of(reader(organization))}.{seq}"


async def read(ctx: AppContext, organization: UUID, after: int = 0, limit: int = 100) -> list[Told]:
    cursor = place(organization, after)
    page = await events_after(ctx, actor=reader(organization), after=cursor, limit=limit)
    return list(page.events)


async def test_pages_follow_each_other_without_gap_or_repeat(
    ctx: AppContext, organization: UUID
) -> None:
    empty = await events_after(ctx, actor=reader(organization), after="0", limit=3)
    assert (list(empty.events), empty.last, empty.more) == ([], place(organization, 0), False)
    for start in (0, 4):
        async with ctx.database.transaction() as tx:
            await tell(tx, organization, *(f"e{n}" for n in range(start, start + 4)))
    seen: list[Told] = []
    after, more = empty.last, True
    while more:
        page = await events_after(ctx, actor=reader(organization), after=after, limit=3)
        seen += page.events
        after, more = page.last, page.more
    assert [event.event_id for event in seen] == [f"e{n}" for n in range(8)]
    assert seen[5].body == b'{"n": "e5"}'
    last = await events_after(ctx, actor=reader(organization), after=after, limit=3)
    assert (list(last.events), last.last, last.more) == ([], after, False)


async def test_everybody_reads_their_own(ctx: AppContext, organization: UUID) -> None:
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, "test")
        await tell(tx, organization, "live", environment=Environment.LIVE)
    (mine,) = await read(ctx, organization)
    assert mine.event_id == "test"
    for stranger in (reader(uuid.uuid4()), reader(organization, Environment.LIVE)):
        with pytest.raises(ValidationFailed):
            await events_after(ctx, actor=stranger, after=place(organization, mine.seq), limit=1)
    with pytest.raises(ValidationFailed):
        await read(ctx, organization, after=mine.seq + 1000)


async def test_a_smaller_number_that_commits_later_is_not_skipped(
    ctx: AppContext, organization: UUID
) -> None:
    """`slow` was inserted first; its place in the feed is that of its commit."""
    async with ctx.database.transaction() as slow:
        await tell(slow, organization, "slow")
        async with ctx.database.transaction() as fast:
            await tell(fast, organization, "fast")
        (first,) = await read(ctx, organization)
        assert first.event_id == "fast"
    (second,) = await read(ctx, organization, after=first.seq)
    assert (second.event_id, second.seq) == ("slow", first.seq + 1)
    assert [event.event_id for event in await read(ctx, organization)] == ["fast", "slow"]


async def test_a_greater_number_of_an_older_transaction_comes_first(
    ctx: AppContext, organization: UUID
) -> None:
    async with ctx.database.transaction() as young:
        async with ctx.database.transaction() as old:
            await old.connection.execute("SELECT pg_current_xact_id()")
            await tell(young, organization, "young")
            await tell(old, organization, "old")
        (first,) = await read(ctx, organization)
        assert first.event_id == "old"
    (second,) = await read(ctx, organization, after=first.seq)
    assert (second.event_id, second.seq) == ("young", first.seq + 1)
    assert await read(ctx, organization, after=second.seq) == []


async def test_a_reader_amid_writers_sees_everything_once(
    ctx: AppContext, organization: UUID
) -> None:
    """Writers draw, wait and commit (or not) in any order while a reader follows."""
    rng = random.Random(7)
    told: set[str] = set()

    async def write(number: int) -> None:
        for turn in range(10):
            names = [f"{number}-{turn}-{n}" for n in range(rng.randint(1, 3))]
            try:
                async with ctx.database.transaction() as tx:
                    await tell(tx, organization, *names[:1])
                    await asyncio.sleep(rng.random() / 100)
                    if names[1:]:
                        await tell(tx, organization, *names[1:])
                    if rng.random() < 0.2:
                        await asyncio.wait_for(asyncio.Event().wait(), 0)  # rolled back
            except TimeoutError:
                continue
            told.update(names)

    async def follow(writers: asyncio.Future[list[None]]) -> list[str]:
        seen: list[str] = []
        after = "0"
        while True:
            ended = writers.done()
            page = await events_after(ctx, actor=reader(organization), after=after, limit=5)
            seen += [event.event_id for event in page.events]
            after = page.last
            if ended and not page.events:
                return seen

    writers = asyncio.gather(*(write(number) for number in range(6)))
    seen = await follow(writers)
    assert sorted(seen) == sorted(told)


async def test_a_cursor_of_another_generation_is_told_to_begin_again(
    ctx: AppContext, organization: UUID
) -> None:
    """After a failover numbers were used again, and a reader passed over 112 events."""
    await generation.note(ctx.database)
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, "a", "b")
    old = await events_after(ctx, actor=reader(organization), after="0", limit=1)
    await move(ctx, timeline=9)
    with pytest.raises(Resync):
        await events_after(ctx, actor=reader(organization), after=old.last, limit=1)
    # Not yet confirmed: who begins again goes on from there, and need not begin a third time.
    first = await events_after(ctx, actor=reader(organization), after="0", limit=1)
    assert first.last != old.last
    await generation.confirm(ctx.database, by="tests", anew=False)
    second = await events_after(ctx, actor=reader(organization), after=first.last, limit=1)
    assert [one.event_id for page in (first, second) for one in page.events] == ["a", "b"]
    with pytest.raises(Resync):
        await events_after(ctx, actor=reader(organization), after=old.last, limit=1)


async def test_a_cursor_of_another_feed_is_invalid_though_its_number_is_there(
    ctx: AppContext, organization: UUID
) -> None:
    """Every feed has a number 1: to go on behind another's would skip one's own."""
    async with ctx.database.transaction() as tx:
        for environment in Environment:
            await tell(tx, organization, environment.value, environment=environment)
    last = {}
    for environment in Environment:
        actor = reader(organization, environment)
        last[environment] = (await events_after(ctx, actor=actor, after="0", limit=1)).last
    with pytest.raises(ValidationFailed):
        live = reader(organization, Environment.LIVE)
        await events_after(ctx, actor=live, after=last[Environment.TEST], limit=1)


async def test_a_cursor_of_a_release_before_numbers_is_told_to_begin_again(
    ctx: AppContext, organization: UUID
) -> None:
    """It has the number of an event in the whole database, which is another's place here."""
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, "a", "b")
    with pytest.raises(Resync, match="earlier release"):
        await events_after(ctx, actor=reader(organization), after="00000000.1", limit=1)
