"""SQL of the providers: what the operator set, what they list, what partners chose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from privata.core.tenancy import Actor, Environment
from privata.infra.database.postgres import Transaction
from privata.providers.port import Asset, Limits, RateType
from privata.routing.rows import (
    PairLimit,
    PartnerChoice,
    ProviderRow,
    ShownProvider,
    pair_limit,
    partner_choice,
    provider_row,
    shown_provider,
)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_SUCCESS: Final = """
    (SELECT sum(s.completed)::numeric / nullif(sum(s.completed + s.failed), 0)
     FROM provider_score s
     WHERE s.provider_id = p.name AND s.hour > now() - interval '24 hours') AS success
"""

_USABLE: Final = f"""
SELECT p.name, p.enabled, p.base_url, p.credentials, p.version, p.listed, {_SUCCESS}
FROM provider p WHERE p.credentials IS NOT NULL ORDER BY p.name
"""  # noqa: S608  # put together out of constants

_SHOWN: Final = f"""
SELECT p.name, p.enabled, p.base_url, p.credentials IS NOT NULL AS has_credentials,
       jsonb_array_length(p.listed) AS assets, p.listed_at, p.refresh_fault,
       (SELECT o.began_at FROM provider_outage o
        WHERE o.provider_id = p.name AND o.ended_at IS NULL) AS down_since, {_SUCCESS}
FROM provider p ORDER BY p.name
"""  # noqa: S608

_CHOICES: Final = """
SELECT provider, enabled, markup_bps FROM partner_provider
WHERE organization_id = $1 AND environment = $2
UNION ALL
SELECT '', true, markup_bps FROM partner_markup WHERE organization_id = $1 AND environment = $2
"""

_CREDENTIALS: Final = """
INSERT INTO provider (name, credentials) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE
SET credentials = excluded.credentials, version = provider.version + 1, changed_at = now(),
    refresh_at = now()
"""

_ENABLE: Final = """
UPDATE provider SET enabled = true, refresh_at = now(), changed_at = now(),
       base_url = CASE WHEN $2 THEN $3 ELSE base_url END,
       version = version + CASE WHEN $2 AND base_url IS DISTINCT FROM $3 THEN 1 ELSE 0 END
WHERE name = $1 AND credentials IS NOT NULL RETURNING name
"""

_DISABLE: Final = """
UPDATE provider SET enabled = false, changed_at = now() WHERE name = $1 RETURNING name
"""

_TURN: Final = """
INSERT INTO partner_provider (organization_id, environment, provider, enabled)
VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id, environment, provider) DO UPDATE SET enabled = excluded.enabled
"""

_MARK_UP_ONE: Final = """
INSERT INTO partner_provider (organization_id, environment, provider, markup_bps)
VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id, environment, provider)
DO UPDATE SET markup_bps = excluded.markup_bps
"""

_MARK_UP: Final = """
INSERT INTO partner_markup (organization_id, environment, markup_bps) VALUES ($1, $2, $3)
ON CONFLICT (organization_id, environment) DO UPDATE SET markup_bps = excluded.markup_bps
"""

_LIMITS: Final = """
SELECT provider_id AS provider, minimum, maximum FROM provider_limit
WHERE from_asset = $1 AND from_network = $2 AND to_asset = $3 AND to_network = $4
  AND rate_type = $5
"""

_NO_PAIRS: Final = """
SELECT provider_id, from_asset, from_network, to_asset, to_network FROM provider_limit
WHERE rate_type = 'float' AND minimum IS NULL
"""

_REMEMBER: Final = """
INSERT INTO provider_limit (provider_id, rate_type, from_asset, from_network, to_asset, to_network,
                            minimum, maximum)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (provider_id, rate_type, from_asset, from_network, to_asset, to_network)
DO UPDATE SET minimum = excluded.minimum, maximum = excluded.maximum, asked_at = now()
"""

_SCORE: Final = """
INSERT INTO provider_score (provider_id, hour, completed, failed)
SELECT name, date_trunc('hour', now()), $2, $3 FROM provider WHERE name = $1
ON CONFLICT (provider_id, hour)
DO UPDATE SET completed = provider_score.completed + excluded.completed,
              failed = provider_score.failed + excluded.failed
"""

_FORGET_SCORES: Final = """
DELETE FROM provider_score WHERE (provider_id, hour) IN (
    SELECT provider_id, hour FROM provider_score WHERE hour < now() - interval '7 days'
    LIMIT $1 FOR UPDATE SKIP LOCKED)
"""


async def usable(pool: Pool) -> list[ProviderRow]:
    """Every provider with credentials, enabled or not."""
    return [provider_row(row) for row in await pool.fetch(_USABLE)]


async def shown(pool: Pool) -> list[ShownProvider]:
    """Every provider that the operator has touched."""
    return [shown_provider(row) for row in await pool.fetch(_SHOWN)]


async def choices(
    pool: Pool, organization_id: UUID, environment: Environment
) -> list[PartnerChoice]:
    """What a partner chose."""
    rows = await pool.fetch(_CHOICES, organization_id, environment.value)
    return [partner_choice(row) for row in rows]


async def put_credentials(pool: Pool, name: str, sealed: bytes) -> None:
    """Keep the sealed credentials of a provider."""
    await pool.execute(_CREDENTIALS, name, sealed)


async def enable(pool: Pool, name: str, *, changes_url: bool, base_url: str | None) -> bool:
    """Ask it for quotes from now on; False if it has no credentials."""
    return await pool.fetchval(_ENABLE, name, changes_url, base_url) is not None


async def disable(pool: Pool, name: str) -> bool:
    """Ask it for no more quotes; False if it was never set up."""
    return await pool.fetchval(_DISABLE, name) is not None


async def turn(tx: Transaction, actor: Actor, provider: str, *, on: bool) -> None:
    """Write whether the actor's organization uses a provider. Its markup stays."""
    await tx.connection.execute(_TURN, actor.organization_id, actor.environment.value, provider, on)


async def mark_up(tx: Transaction, actor: Actor, bps: int) -> None:
    """Write the markup that holds where a provider has none of its own, basis points."""
    await tx.connection.execute(_MARK_UP, actor.organization_id, actor.environment.value, bps)


async def mark_up_one(tx: Transaction, actor: Actor, provider: str, bps: int | None) -> None:
    """Write the markup for one provider; None: the one for all. Whether it is used stays."""
    await tx.connection.execute(
        _MARK_UP_ONE, actor.organization_id, actor.environment.value, provider, bps
    )


async def limits_of_pair(
    pool: Pool, source: Asset, target: Asset, rate_type: RateType
) -> list[PairLimit]:
    """What the providers last said about a pair."""
    rows = await pool.fetch(
        _LIMITS, source.ticker, source.network, target.ticker, target.network, rate_type
    )
    return [pair_limit(row) for row in rows]


async def pairs_without(pool: Pool) -> set[tuple[str, str, str, str, str]]:
    """Provider and pair, where the provider said that it does not swap it."""
    return {tuple(row) for row in await pool.fetch(_NO_PAIRS)}


async def remember_limits(
    pool: Pool,
    provider: str,
    rate_type: RateType,
    found: Iterable[tuple[Asset, Asset, Limits | None]],
) -> None:
    """Keep what a provider said about pairs."""
    await pool.executemany(
        _REMEMBER,
        [
            (
                provider,
                rate_type,
                source.ticker,
                source.network,
                target.ticker,
                target.network,
                None if limits is None else limits.minimum,
                None if limits is None else limits.maximum,
            )
            for source, target, limits in found
        ],
    )


async def add_scores(pool: Pool, scores: Iterable[tuple[str, int, int]]) -> None:
    """Count live orders that ended: provider, how many completed, how many failed."""
    await pool.executemany(_SCORE, list(scores))


async def forget_scores(pool: Pool, limit: int) -> int:
    """Remove counts that nobody asks for any more, `limit` at most; how many."""
    return int((await pool.execute(_FORGET_SCORES, limit)).rpartition(" ")[2])
