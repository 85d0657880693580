"""What has done its duty goes when its time is over, and nothing before."""

from __future__ import annotations

from uuid import UUID

import pytest

from privata.infra.context import AppContext
from privata.worker import spent

QUOTES = """
INSERT INTO quote (id, organization_id, environment, provider, from_asset, from_network, to_asset,
                   to_network, amount_from, amount_to, side, rate_type, created_at, expires_at)
SELECT 'qt_' || hours, $1, 'test', 'simulator', 'BTC', 'BTC', 'ETH', 'ETH', 1, 20, 'send', 'float',
       now() - make_interval(hours => hours), now() - make_interval(hours => hours)
FROM unnest($2::int[]) AS hours
"""

ANSWERS = """
INSERT INTO idempotency_key (organization_id, environment, key, request_digest, locked_until,
                             created_at)
SELECT $1, 'test', 'k' || hours, '', now(), now() - make_interval(hours => hours)
FROM unnest($2::int[]) AS hours
"""


async def test_old_quotes_and_answers_go_in_batches_and_young_ones_stay(
    ctx: AppContext, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither was ever removed: each order left both behind for good."""
    monkeypatch.setattr(spent, "BATCH", 2)
    pool = ctx.database.pool
    week = 7 * 24
    await pool.execute(QUOTES, organization, [1, week - 1, *range(week + 1, week + 6)])
    await pool.execute(ANSWERS, organization, [1, 23, *range(25, 30)])
    await spent.forget_once(ctx)
    assert await pool.fetchval("SELECT array_agg(id ORDER BY id) FROM quote") == [
        "qt_1",
        f"qt_{week - 1}",
    ]
    keys = await pool.fetchval("SELECT array_agg(key ORDER BY key) FROM idempotency_key")
    assert keys == ["k1", "k23"]


ATTEMPTS = """
INSERT INTO order_attempt (organization_id, environment, quote_id, provider, begun_at)
SELECT $1, 'live', 'qt_' || hours, 'changenow', now() - make_interval(hours => hours)
FROM unnest($2::int[]) AS hours
"""

OUTAGES = """
INSERT INTO provider_outage (id, provider_id, fault, began_at, ended_at)
SELECT gen_random_uuid(), 'changenow', 'timeout', now() - make_interval(days => days),
       CASE WHEN lasts THEN NULL ELSE now() - make_interval(days => days) END
FROM unnest($1::int[], $2::bool[]) AS made(days, lasts)
"""

SCORES = """
INSERT INTO provider_score (provider_id, hour, completed)
SELECT 'changenow', now() - make_interval(days => days), 1 FROM unnest($1::int[]) AS days
"""


async def test_old_attempts_outages_and_counts_go_and_what_matters_stays(
    ctx: AppContext, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spent, "BATCH", 2)
    pool = ctx.database.pool
    await pool.execute("INSERT INTO provider (name) VALUES ('changenow')")
    week = 7 * 24
    await pool.execute(ATTEMPTS, organization, [1, week - 1, *range(week + 1, week + 6)])
    await pool.execute(OUTAGES, [1, 89, 91, 92, 93, 200], [False, False, False, False, False, True])
    await pool.execute(SCORES, [0, 6, 8, 9, 10])
    await spent.forget_once(ctx)
    assert await pool.fetchval("SELECT count(*) FROM order_attempt") == 2
    assert await pool.fetchval("SELECT count(*) FROM provider_outage") == 3
    assert await pool.fetchval("SELECT count(*) FROM provider_outage WHERE ended_at IS NULL") == 1
    assert await pool.fetchval("SELECT count(*) FROM provider_score") == 2
