"""A database that was moved says so: what is compared, who begins a generation, who confirms it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from conftest import Cluster
from privata.core.errors import DatabaseSettling, DatabaseUnconfirmed
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.generation import Generation, Identity
from privata.infra.settings import Settings

HERE = Identity("7000000000000000001", 3, 16384)


async def look(ctx: AppContext) -> Generation:
    async with ctx.database.pool.acquire() as connection:
        return await generation.look(connection)


async def move(ctx: AppContext, **was: Any) -> None:
    """Make the database believe that it was somewhere else, and confirmed there."""
    last = await look(ctx)
    await ctx.database.pool.execute(
        "INSERT INTO database_generation (generation, mark, system_identifier, timeline,"
        " database_oid, confirmed_by) VALUES ($1, $2, $3, $4, $5, 'tests')",
        last.number,
        last.mark,
        was.get("system_identifier", last.here.system_identifier),
        was.get("timeline", last.here.timeline),
        was.get("database_oid", last.here.database_oid),
    )


async def test_a_plain_role_reads_where_the_database_is(ctx: AppContext) -> None:
    here = (await look(ctx)).here
    assert here.system_identifier is not None
    assert here.system_identifier.isdecimal()
    assert here.timeline == 1
    assert here.database_oid is not None


async def test_the_first_start_confirms_the_first_generation(ctx: AppContext) -> None:
    assert (await look(ctx)).confirmed, "a new installation holds payouts"
    first = await generation.note(ctx.database)
    assert (first.number, first.mark, first.confirmed) == (1, "00000000", True)
    assert await generation.note(ctx.database) == first
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM database_generation") == 1


@pytest.mark.parametrize(
    ("was", "words", "failed_over"),
    [
        ({"system_identifier": "1"}, "its system identifier was 1 and is ", False),
        ({"database_oid": 1}, "its database number was 1 and is ", False),
        ({"timeline": 9}, "its timeline was 9 and is 1", True),
    ],
)
async def test_a_move_begins_a_generation_that_somebody_has_to_confirm(
    ctx: AppContext, was: dict[str, Any], words: str, failed_over: bool
) -> None:
    await generation.note(ctx.database)
    await move(ctx, **was)
    found = await look(ctx)
    assert not found.confirmed
    assert found.moved is not None
    assert found.moved.startswith(words)
    assert found.failed_over is failed_over
    noted = await generation.note(ctx.database)
    assert (noted.number, noted.confirmed, noted.moved) == (2, False, None)
    assert noted.mark != found.mark
    assert noted.warning is not None
    assert "privata restored" in noted.warning
    async with ctx.database.transaction() as tx:
        with pytest.raises(DatabaseUnconfirmed):
            await generation.refuse_unconfirmed(tx)
    done = await generation.confirm(ctx.database, by="boss", anew=False)
    assert (done.number, done.mark, done.confirmed) == (2, noted.mark, True)
    async with ctx.database.transaction() as tx:
        await generation.refuse_unconfirmed(tx)


async def test_what_confirms_a_move_that_nobody_noted_begins_its_generation(
    ctx: AppContext,
) -> None:
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    done = await generation.confirm(ctx.database, by="boss", anew=False)
    assert (done.number, done.confirmed, done.mark == "00000000") == (2, True, False)


def test_what_is_not_known_is_not_compared() -> None:
    nothing = Identity(None, None, None)
    assert generation.moved_words(nothing, HERE) is None
    assert generation.moved_words(HERE, nothing) is None
    assert generation.moved_words(replace(HERE, timeline=None), HERE) is None
    assert generation.moved_words(replace(HERE, timeline=2), HERE) is not None


async def test_race_many_processes_begin_one_generation(ctx: AppContext) -> None:
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    noted = await asyncio.gather(*(generation.note(ctx.database) for _ in range(8)))
    assert len({one.mark for one in noted}) == 1
    assert {one.number for one in noted} == {2}


async def test_a_copy_of_a_database_is_another_database(
    cluster: Cluster, settings: Settings, database_name: str
) -> None:
    """A dump that is restored on the same server has its system identifier and its timeline."""
    ctx = await AppContext.open(settings, cluster.app(database_name))
    await generation.note(ctx.database)
    await ctx.close()
    restored = replace(cluster, template=database_name).copy()
    ctx = await AppContext.open(settings, cluster.app(restored))
    found = await look(ctx)
    await ctx.close()
    cluster.drop(restored)
    assert found.moved is not None
    assert "database number" in found.moved


async def test_the_application_only_appends(ctx: AppContext) -> None:
    await generation.note(ctx.database)
    for statement in ("UPDATE database_generation SET confirmed_by = 'x'",
                      "DELETE FROM database_generation"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ctx.database.pool.execute(statement)


async def test_a_harmless_failover_is_kept_and_another_move_meanwhile_is_not(
    ctx: AppContext,
) -> None:
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    found = await look(ctx)
    await generation.keep(ctx.database, found, by="witness")
    kept = await look(ctx)
    assert (kept.number, kept.mark, kept.confirmed) == (1, "00000000", True)
    await move(ctx, timeline=8)
    await generation.keep(ctx.database, found, by="witness")
    assert not (await look(ctx)).confirmed


async def test_with_a_synchronous_standby_it_is_first_found_out_what_was_lost(
    ctx: AppContext,
) -> None:
    lenient = ctx.settings.model_copy(update={"failover_loses_nothing": True})
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    with pytest.raises(DatabaseSettling):
        await generation.settle(ctx.database, lenient)
    await generation.settle(ctx.database, ctx.settings)
    assert (await look(ctx)).number == 2
    await move(ctx, system_identifier="1")
    await generation.settle(ctx.database, lenient)
    assert (await look(ctx)).number == 3
