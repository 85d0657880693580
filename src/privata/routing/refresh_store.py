"""SQL of the background reading."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, TypeAlias

import asyncpg

from privata.providers.port import Asset

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# Disabled ones are not read: an order needs no list.
_CLAIM: Final = """
UPDATE provider SET refresh_at = now() + make_interval(secs => $1)
WHERE name = ANY (ARRAY(
    SELECT name FROM provider WHERE enabled AND refresh_at <= now()
    ORDER BY refresh_at FOR NO KEY UPDATE SKIP LOCKED))
RETURNING name
"""

_LISTED: Final = """
UPDATE provider SET listed = $2::jsonb, listed_at = now(), refresh_fault = NULL WHERE name = $1
"""

_NEXT: Final = """
UPDATE provider SET refresh_at = now() + make_interval(secs => $2) WHERE name = $1
"""

_FAILED: Final = """
UPDATE provider SET refresh_fault = $2, refresh_at = now() + make_interval(secs => $3)
WHERE name = $1
"""

_KNOWN: Final = """
SELECT from_asset, from_network, to_asset, to_network, extract(epoch FROM asked_at)::float8
FROM provider_limit WHERE provider_id = $1 AND rate_type = 'float'
"""


async def claim_due(pool: Pool, lease_s: float) -> list[str]:
    """The names of enabled providers that are due, out of others' sight for so many seconds."""
    return [row["name"] for row in await pool.fetch(_CLAIM, lease_s)]


async def keep_list(pool: Pool, name: str, listed: Sequence[Asset]) -> None:
    """Keep what a provider lists."""
    places = sorted((asset.ticker, asset.network) for asset in listed)
    await pool.execute(_LISTED, name, json.dumps(places))


async def set_next(pool: Pool, name: str, seconds: float) -> None:
    """Let it be due again in so many seconds."""
    await pool.execute(_NEXT, name, seconds)


async def note_failure(pool: Pool, name: str, fault: str, seconds: float) -> None:
    """Keep why it could not be read, and let it be due again."""
    await pool.execute(_FAILED, name, fault, seconds)


async def known_pairs(pool: Pool, name: str) -> dict[tuple[str, str, str, str], float]:
    """The pairs whose limits it has said, and when: seconds of the epoch."""
    rows = await pool.fetch(_KNOWN, name)
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}
