"""The statements of the hot routes are planned once a connection, not at every call.

After five calls PostgreSQL keeps the plan that knows no arguments, unless plans made for the call
look cheaper. For these statements planning costs several times what running them does.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from privata.apikeys.admission import Admitter, Caller, Companion
from privata.apikeys.admission_sql import ADMIT
from privata.apikeys.tests.making import made
from privata.core.tenancy import Environment
from privata.events.feed import _FEED, events_after
from privata.events.numbering import _NUMBER
from privata.events.service import _publish_sql
from privata.events.tests.test_feed import reader, tell
from privata.infra.context import AppContext
from privata.infra.limits import Kind
from privata.orders import store

#: Calls after which PostgreSQL chooses: `choose_custom_plan` in its plancache.c.
CUSTOM_FIRST = 5


async def plans_of(ctx: AppContext, statement: str) -> tuple[int, int]:
    """Over all connections of the pool: the most calls planned anew on one, and kept plans used."""
    pool = ctx.database.pool
    held = [await pool.acquire() for _ in range(pool.get_size())]
    try:
        found = [
            await one.fetchrow(
                "SELECT custom_plans, generic_plans FROM pg_prepared_statements"
                " WHERE statement = $1",
                statement,
            )
            for one in held
        ]
    finally:
        for one in held:
            await pool.release(one)
    used = [row for row in found if row is not None]
    return (
        max(row["custom_plans"] for row in used),
        sum(row["generic_plans"] for row in used),
    )


@pytest.mark.parametrize("along", [False, True], ids=["alone", "with an order"])
async def test_admission_is_not_planned_at_every_call(
    ctx: AppContext, organization: UUID, along: bool
) -> None:
    key = (await made(ctx, organization)).key
    companion = Companion(store.GET_ALONG) if along else None
    admitter = Admitter(ctx, companion)
    caller = Caller(key, "203.0.113.7", "tests", Kind.READ, 6_000, 60)
    for size in (1, 1, 1, 2, 1, 16, 3, 1) * 5:
        await asyncio.gather(*(admitter.admit(caller, "xo_none") for _ in range(size)))
    custom, kept = await plans_of(ctx, companion.statement if companion else ADMIT)
    assert custom <= CUSTOM_FIRST
    assert kept > 0


async def test_a_quote_is_not_planned_for_at_every_create(
    ctx: AppContext, organization: UUID
) -> None:
    pool = ctx.database.pool
    for _ in range(40):
        await store.fetch_quote(pool, "qt_none", organization, Environment.TEST, None)
    custom, kept = await plans_of(ctx, store._QUOTE)
    assert custom <= CUSTOM_FIRST
    assert kept > 0


async def test_the_feed_is_not_planned_at_every_event(ctx: AppContext, organization: UUID) -> None:
    """Neither what publishes, nor what numbers, nor what reads."""
    after = "0"
    for turn in range(40):
        async with ctx.database.transaction() as tx:
            await tell(tx, organization, f"e{turn}")
        page = await events_after(ctx, actor=reader(organization), after=after, limit=10)
        assert len(page.events) == 1
        after = page.last
    for statement in (_publish_sql(), _NUMBER, _FEED):
        custom, kept = await plans_of(ctx, statement)
        assert custom <= CUSTOM_FIRST, statement
        assert kept > 0, statement
