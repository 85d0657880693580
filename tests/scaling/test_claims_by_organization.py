"""Orders, windows, refunds, pause notices, probes and recoveries: nobody's heap holds others up.

Each kind of work is claimed in both forms: many organizations in one statement, and each in a
statement of its own, as where the tables are distributed.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.due_work import DueSql, DueWork
from privata.orders.claims import DUE_POLLS, Polls
from privata.orders.export import jobs
from privata.refunds.claims import DUE_REFUNDS, DueRefunds
from privata.webhooks.endpoints.pause_emails import DUE_NOTICES
from privata.webhooks.recovery.recovering import DUE_RECOVERIES
from privata.webhooks.recovery.resuming import DUE_PROBES

TEST = Environment.TEST

#: Rows of the one that has many, which have all waited longer than anybody else's.
MANY = 40
ROOM = 4

ORDERS = """
INSERT INTO orders (id, organization_id, environment, provider, provider_order_id, from_asset,
    from_network, from_decimals, to_asset, to_network, to_decimals, amount_from,
    amount_to_expected, rate_type, deposit_address, payout_address, status, sandbox_scenario,
    expires_at, poll_at)
SELECT 'prv-' || gen_random_uuid(), $1, 'test', 'simulator', 'p', 'BTC', 'BTC', 8, 'ETH', 'ETH',
    8, 1, 1, 'float', 'a', 'b', $4, 'success', now(), now() - make_interval(secs => $3)
FROM generate_series(1, $2)
RETURNING id
"""

REFUNDS = """
INSERT INTO refund (order_id, organization_id, environment, action, to_address, source,
    requested_by, due_at)
SELECT id, $1, 'test', 'return_to_refund_address', 'a', 'api', 'tests',
    now() - make_interval(secs => $3)
FROM unnest($2::text[]) AS o(id)
"""

ENDPOINTS = """
INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url, status,
    paused_at, paused_reason)
SELECT gen_random_uuid(), $1, 'test', 'order', 'a', 'http://localhost:1/' || n, $4::text,
    CASE $4::text WHEN 'paused' THEN now() - make_interval(secs => $3) END,
    CASE $4::text WHEN 'paused' THEN 'failures' END
FROM generate_series(1, $2) AS n
RETURNING id
"""

WAITING = """
WITH told AS (
    INSERT INTO event (event_id, organization_id, environment, channel, type, body)
    SELECT 'e:' || e.id, $1, 'test', 'order', 'order.confirming', ''
    FROM unnest($2::uuid[]) AS e(id)
    RETURNING seq, event_id
)
INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq)
SELECT $1, 'test', substr(event_id, 3)::uuid, seq FROM told
"""

RECOVERIES = """
INSERT INTO webhook_recovery (id, organization_id, environment, endpoint_id, since, created_by,
    next_at)
SELECT gen_random_uuid(), $1, 'test', id, now(), 'tests', now() - make_interval(secs => $3)
FROM unnest($2::uuid[]) AS e(id)
"""

EXPORTS = """
INSERT INTO order_export (organization_id, environment, id, query, columns, as_of, created_by,
    due_at)
SELECT $1, 'test', gen_random_uuid(), '', '{}', now(), 'tests', now() - make_interval(secs => $3)
FROM generate_series(1, $2)
"""

Make = Callable[[AppContext, UUID, int, float], Awaitable[None]]
Take = Callable[[AppContext], Callable[[], Awaitable[list[UUID]]]]


async def _orders(
    ctx: AppContext, organization: UUID, rows: int, age_s: float, status: str
) -> list[str]:
    made = await ctx.database.pool.fetch(ORDERS, organization, rows, age_s, status)
    return [row["id"] for row in made]


def _made(status: str) -> Make:
    async def make(ctx: AppContext, organization: UUID, rows: int, age_s: float) -> None:
        await _orders(ctx, organization, rows, age_s, status)

    return make


async def _refunds(ctx: AppContext, organization: UUID, rows: int, age_s: float) -> None:
    ids = await _orders(ctx, organization, rows, age_s, "refund_required")
    await ctx.database.pool.execute(REFUNDS, organization, ids, age_s)


async def _endpoints(
    ctx: AppContext, organization: UUID, rows: int, age_s: float, status: str = "paused"
) -> list[UUID]:
    made = await ctx.database.pool.fetch(ENDPOINTS, organization, rows, age_s, status)
    return [row["id"] for row in made]


async def _paused(ctx: AppContext, organization: UUID, rows: int, age_s: float) -> None:
    await _endpoints(ctx, organization, rows, age_s)


async def _rested(ctx: AppContext, organization: UUID, rows: int, age_s: float) -> None:
    ids = await _endpoints(ctx, organization, rows, age_s)
    await ctx.database.pool.execute(WAITING, organization, ids)


async def _recoveries(ctx: AppContext, organization: UUID, rows: int, age_s: float) -> None:
    ids = await _endpoints(ctx, organization, rows, age_s, "active")
    await ctx.database.pool.execute(RECOVERIES, organization, ids, age_s)


async def _exports(ctx: AppContext, organization: UUID, rows: int, age_s: float) -> None:
    await ctx.database.pool.execute(EXPORTS, organization, rows, age_s)


def _polls(**kind: bool) -> Take:
    def begin(ctx: AppContext) -> Callable[[], Awaitable[list[UUID]]]:
        polls = Polls(ctx, TEST, **kind)

        async def take() -> list[UUID]:
            return [row.organization_id for row in await polls.claim(ROOM, 30.0)]

        return take

    return begin


def _due_refunds(ctx: AppContext) -> Callable[[], Awaitable[list[UUID]]]:
    refunds = DueRefunds(ctx, TEST)

    async def take() -> list[UUID]:
        return [row.organization_id for row in await refunds.claim(ROOM, 30.0)]

    return take


def _due_exports(ctx: AppContext) -> Callable[[], Awaitable[list[UUID]]]:
    work = jobs.due_exports(ctx)

    async def take() -> list[UUID]:
        values = (jobs.MOST_ATTEMPTS, jobs.LEASE_S)
        rows = await work.claim(ctx.database.pool, ROOM, *values)
        return [row["organization_id"] for row in rows]

    return take


def _work(sql: DueSql, asking: tuple[float, ...] = (), after: str | None = None) -> Take:
    """Claims whose rows say whose they are; `after` is what moves them out of sight."""

    def begin(ctx: AppContext) -> Callable[[], Awaitable[list[UUID]]]:
        work = DueWork(sql, *asking, apart=ctx.settings.database_distributed)

        async def take() -> list[UUID]:
            async with ctx.database.transaction() as tx:
                rows = await work.claim(tx.connection, ROOM, *asking)
                ids = [row["id"] for row in rows]
                if after is not None:
                    await tx.connection.execute(after, ids)
                whose = f"SELECT organization_id FROM {TABLE_OF[sql]} WHERE id = ANY ($1)"
                return [row["organization_id"] for row in await tx.connection.fetch(whose, ids)]

        return take

    return begin


TABLE_OF = {
    DUE_NOTICES: "webhook_endpoint",
    DUE_PROBES: "webhook_endpoint",
    DUE_RECOVERIES: "webhook_recovery",
}

_LATER = "UPDATE webhook_recovery SET next_at = now() + interval '1 hour' WHERE id = ANY ($1)"


@dataclass(frozen=True)
class Kind:
    sql: DueSql
    make: Make
    take: Take


KINDS = {
    "open orders": Kind(DUE_POLLS, _made("waiting_deposit"), _polls()),
    "expired orders": Kind(DUE_POLLS, _made("expired"), _polls(late=True)),
    "refund windows": Kind(DUE_POLLS, _made("refund_required"), _polls(refunds=True)),
    "refunds": Kind(DUE_REFUNDS, _refunds, _due_refunds),
    "exports": Kind(jobs.DUE_EXPORTS, _exports, _due_exports),
    "pause notices": Kind(DUE_NOTICES, _paused, _work(DUE_NOTICES)),
    "probes": Kind(DUE_PROBES, _rested, _work(DUE_PROBES, (1.0,))),
    "recoveries": Kind(DUE_RECOVERIES, _recoveries, _work(DUE_RECOVERIES, after=_LATER)),
}


async def _organizations(ctx: AppContext, count: int) -> list[UUID]:
    made = [uuid.uuid4() for _ in range(count)]
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status)"
        " SELECT id, 'Acme', 'approved' FROM unnest($1::uuid[]) AS o(id)",
        made,
    )
    return made


@pytest.mark.parametrize("distributed", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_heap_of_one_organization_holds_nobody_up(
    ctx: AppContext, kind: str, distributed: bool
) -> None:
    """The first claim of each kind took the oldest rows, all of them of one organization."""
    settings = ctx.settings.model_copy(update={"database_distributed": distributed})
    ctx = replace(ctx, settings=settings)
    big, *small = await _organizations(ctx, ROOM)
    await KINDS[kind].make(ctx, big, MANY, 3600)
    for one in small:
        await KINDS[kind].make(ctx, one, 1, 60)
    take = KINDS[kind].take(ctx)
    assert sorted(await take()) == sorted([big, *small])
    found: list[UUID] = []
    while taken := await take():
        found += taken
    assert found == [big] * (MANY - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_apart_names_its_organization(kind: str) -> None:
    sql = KINDS[kind].sql
    assert "= $1::uuid" in sql.due.format(organization="$1::uuid", environment="", most="")
    assert "ask." not in sql.apart
