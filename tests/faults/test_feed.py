"""The feed of events beside other databases, over a dump, and amid writers and readers."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conftest import Cluster, running_cluster
from privata.core.tenancy import Actor, Environment, system_actor
from privata.events.feed import events_after
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.infra.settings import Settings

from .backups import run

#: Transactions that the old server is ahead of the new one.
AHEAD = 20_000

_SPEND = f"""
DO $$ BEGIN
    FOR turn IN 1..{AHEAD} LOOP
        PERFORM pg_current_xact_id();
        COMMIT;
    END LOOP;
END $$
"""


async def tell(ctx: AppContext, organization: UUID, order: str, seq: int, pause_s: float) -> None:
    """One event of an order, committed after a while."""
    async with ctx.database.transaction() as tx:
        await publish(
            tx,
            organization_id=organization,
            environment=Environment.TEST,
            channel="order",
            order_id=order,
            events=[NewEvent(f"{order}:{seq}", "order.x", b"{}", order_seq=seq)],
        )
        await asyncio.sleep(pause_s)


def actor(organization: UUID) -> Actor:
    return system_actor(organization, Environment.TEST, "tests")


async def read_all(ctx: AppContext, organization: UUID) -> list[str]:
    seen: list[str] = []
    after, more = "0", True
    while more:
        page = await events_after(ctx, actor=actor(organization), after=after, limit=100)
        seen += [one.event_id for one in page.events]
        after, more = page.last, page.more
    return seen


async def test_a_write_transaction_in_another_database_of_the_server_does_not_hold_the_feed(
    ctx: AppContext, cluster: Cluster, organization: UUID
) -> None:
    """The feed ended before the oldest open transaction of all databases, and stood still."""
    neighbour = await asyncpg.connect(cluster.admin_url)
    try:
        transaction = neighbour.transaction()
        await transaction.start()
        await neighbour.execute("SELECT pg_current_xact_id()")
        await tell(ctx, organization, "prv-1", 1, 0)
        assert await read_all(ctx, organization) == ["prv-1:1"]
        await transaction.rollback()
    finally:
        await neighbour.close()


def _of(cluster: Cluster, name: str) -> str:
    return cluster.admin_url.replace("/postgres?", f"/{name}?")


@asynccontextmanager
async def opened(settings: Settings, cluster: Cluster, name: str) -> AsyncIterator[AppContext]:
    changes = {"database_url": cluster.app(name), "database_owner_url": cluster.owner(name)}
    ctx = await AppContext.open(settings.model_copy(update=changes), cluster.app(name))
    try:
        yield ctx
    finally:
        await ctx.close()


async def test_a_dump_that_is_restored_into_another_server_has_the_whole_feed(
    ctx: AppContext,
    cluster: Cluster,
    settings: Settings,
    database_name: str,
    organization: UUID,
    owner: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    """A reader saw 227 events of 12,400: the others had ids of transactions that were yet to come.

    Nobody has to change a row after the restore.
    """
    await owner.execute(_SPEND)
    expected = [f"prv-{number}:1" for number in range(6)]
    for number in range(3):
        await tell(ctx, organization, f"prv-{number}", 1, 0)
    assert await read_all(ctx, organization) == expected[:3]
    await tell(ctx, organization, "prv-3", 1, 0)  # nobody has read this one yet
    run("pg_dump", "-Fc", "-d", _of(cluster, database_name), "-f", tmp_path / "dump")
    with running_cluster(tmp_path / "other") as other:
        again = replace(other, template="template0").copy()
        words = ("--no-owner", "--role=privata_owner", "-d", _of(other, again))
        run("pg_restore", *words, tmp_path / "dump")
        async with opened(settings, other, again) as restored:
            for number in (4, 5):
                await tell(restored, organization, f"prv-{number}", 1, 0)
            assert await read_all(restored, organization) == expected


class _Reader:
    """Follows the feed from its beginning, a few events at a time."""

    def __init__(self, ctx: AppContext, organization: UUID, rng: random.Random) -> None:
        self._ctx = ctx
        self._actor = actor(organization)
        self._rng = rng
        self._after = "0"
        self.seen: list[str] = []

    async def follow(self, writers: asyncio.Future[list[None]]) -> None:
        """Until the writers have ended and all is read."""
        while True:
            ended = writers.done()
            limit = self._rng.randint(1, 7)
            page = await events_after(self._ctx, actor=self._actor, after=self._after, limit=limit)
            numbers = [one.seq for one in page.events]
            assert numbers == list(range(len(self.seen) + 1, len(self.seen) + 1 + len(numbers)))
            self.seen += [one.event_id for one in page.events]
            self._after = page.last
            if ended and not page.events:
                return
            await asyncio.sleep(self._rng.random() / 200)


@given(seed=st.integers(0, 2**32), writers=st.integers(2, 6), readers=st.integers(1, 4))
@hypothesis_settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_reader_sees_each_event_once_in_one_order(
    ctx: AppContext, seed: int, writers: int, readers: int
) -> None:
    """Writers insert and commit in any order while readers number, wait for each other and follow.

    The order is the same for all of them, and events of an order come in the order's own.
    """
    rng = random.Random(seed)
    organization = await _organization(ctx)

    async def write(writer: int) -> None:
        for seq in range(1, 7):
            await tell(ctx, organization, f"{organization.hex}-{writer}", seq, rng.random() / 100)

    following = [_Reader(ctx, organization, random.Random(seed + n)) for n in range(readers)]
    writing = asyncio.gather(*(write(writer) for writer in range(writers)))
    await asyncio.gather(writing, *(one.follow(writing) for one in following))
    first = following[0].seen
    assert all(one.seen == first for one in following)
    orders = defaultdict(list)
    for event_id in first:
        order, _, seq = event_id.rpartition(":")
        orders[order].append(int(seq))
    assert len(orders) == writers
    assert all(seqs == list(range(1, 7)) for seqs in orders.values())


async def _organization(ctx: AppContext) -> UUID:
    made: UUID = await ctx.database.pool.fetchval(
        "INSERT INTO organization (id, name, status)"
        " VALUES (gen_random_uuid(), 'Acme', 'approved') RETURNING id"
    )
    return made
