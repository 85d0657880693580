"""SQL of the quotes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from privata.quotes.quote import Quote

_INSERT = """
INSERT INTO quote (id, organization_id, environment, provider, from_asset, from_network, to_asset,
                   to_network, amount_from, amount_to, side, rate_type, markup_bps, usd_value,
                   expires_at, rate_id, rate_until, through)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""

# An order has all that it needs of its quote. Workers skip each other's.
_FORGET = """
DELETE FROM quote WHERE id = ANY (ARRAY(
    SELECT id FROM quote WHERE created_at < now() - $1::interval
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def insert_quotes(
    pool: asyncpg.Pool[asyncpg.Record], organization_id: UUID | None, quotes: Sequence[Quote]
) -> None:
    """Store each quote; without organization any key of the environment may use it."""
    rows = [_row(organization_id, quote) for quote in quotes]
    if len(rows) == 1:
        await pool.execute(_INSERT, *rows[0])
    else:
        await pool.executemany(_INSERT, rows)


def _row(organization_id: UUID | None, quote: Quote) -> tuple[Any, ...]:
    request, offer = quote.request, quote.offer
    return (
        quote.id,
        organization_id,
        quote.environment.value,
        offer.provider,
        request.source.ticker,
        request.source.network,
        request.target.ticker,
        request.target.network,
        offer.amount_from,
        offer.amount_to,
        request.side,
        request.rate_type,
        quote.markup_bps,
        offer.usd_value,
        quote.expires_at,
        offer.rate_id,
        offer.valid_until,
        offer.through and offer.through[:64],
    )


async def forget_old(pool: asyncpg.Pool[asyncpg.Record], kept: timedelta, limit: int) -> int:
    """Remove quotes that are older than `kept`, `limit` at most; how many."""
    return int((await pool.execute(_FORGET, kept, limit)).rpartition(" ")[2])
