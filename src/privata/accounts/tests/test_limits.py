"""Limits against a real database: exact at the same moment, sliding, with blocks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from privata.accounts import limits
from privata.accounts.limits import Limit
from privata.infra.context import AppContext

LIMIT = Limit("test", 5, timedelta(minutes=15), timedelta(minutes=30))


async def age(ctx: AppContext, minutes: float) -> None:
    """As if so much time had passed."""
    await ctx.database.pool.execute(
        "UPDATE account_tries SET blocked_until = blocked_until - $1::interval,"
        " hits = ARRAY(SELECT hit - $1::interval FROM unnest(hits) AS hit)",
        timedelta(minutes=minutes),
    )


async def test_the_last_try_begins_a_block(ctx: AppContext) -> None:
    taken = [await limits.take(ctx, LIMIT, "ada@x.example") for _ in range(7)]
    assert [one.granted for one in taken] == [True] * 5 + [False] * 2
    assert [one.last for one in taken] == [False] * 4 + [True] + [False] * 2
    assert taken[3].blocked_until is None
    assert taken[4].blocked_until == taken[4].at + LIMIT.block
    assert (await limits.take(ctx, LIMIT, "bob@x.example")).granted
    await age(ctx, 29)
    assert not (await limits.take(ctx, LIMIT, "ADA@x.example")).granted
    await age(ctx, 2)
    again = await limits.take(ctx, LIMIT, "ada@x.example")
    assert (again.granted, again.used) == (True, 1)


async def test_the_window_slides(ctx: AppContext) -> None:
    limit = replace(LIMIT, block=timedelta(0))
    for _ in range(3):
        await limits.take(ctx, limit, "ada")
    await age(ctx, 10)
    assert [(await limits.take(ctx, limit, "ada")).granted for _ in range(3)] == [
        True, True, False,
    ]  # fmt: skip
    await age(ctx, 6)
    assert [(await limits.take(ctx, limit, "ada")).granted for _ in range(4)] == [
        True, True, True, False,
    ]  # fmt: skip


async def test_a_crowd_gets_no_more_than_a_queue(ctx: AppContext) -> None:
    taken = await asyncio.gather(*(limits.take(ctx, LIMIT, "crowd") for _ in range(60)))
    assert sum(one.granted for one in taken) == 5
    assert sum(one.last for one in taken) == 1


async def test_a_try_that_is_given_back_was_none(ctx: AppContext) -> None:
    taken = [await limits.take(ctx, LIMIT, "ada") for _ in range(5)]
    await limits.give_back(ctx, taken[4])
    again = await limits.take(ctx, LIMIT, "ada")
    assert again.last
    await limits.give_back(ctx, taken[0])
    await limits.clear(ctx, LIMIT, "ada")
    assert (await limits.take(ctx, LIMIT, "ada")).used == 1


@pytest.mark.parametrize(("tries", "left"), [(0, 5), (4, 1), (5, 1), (9, 1)])
async def test_leaving_one_never_takes_any(ctx: AppContext, tries: int, left: int) -> None:
    limit = replace(LIMIT, block=timedelta(0))
    for _ in range(tries):
        await limits.take(ctx, limit, "ada")
    for _ in range(3):
        await limits.leave_one(ctx, limit, "ada")
    taken = [await limits.take(ctx, limit, "ada") for _ in range(7)]
    assert sum(one.granted for one in taken) == left


async def test_the_table_holds_no_addresses(ctx: AppContext) -> None:
    await limits.take(ctx, LIMIT, "ada@x.example")
    row = await ctx.database.pool.fetchrow("SELECT * FROM account_tries")
    assert row is not None
    assert "ada" not in str(dict(row))
    await limits.forget_old(ctx.database)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM account_tries") == 1
