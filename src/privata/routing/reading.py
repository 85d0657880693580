"""What a partner is shown of its providers: those that the operator enabled, and their outages.

Each question costs the same however many orders there are. Providers are a handful, a partner's
choices are found by their key, and outages by `provider_outage_lately`: those of one follow
one another, so the ones of a time are those that began in it and the last one before it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import asyncpg

from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.providers.registry import SIMULATOR
from privata.routing.rows import (
    OfferedProvider,
    ProviderDown,
    Terms,
    offered_provider,
    provider_down,
)
from privata.routing.service import routing_of

_Connection: TypeAlias = (
    "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
)
Source: TypeAlias = "asyncpg.Pool[asyncpg.Record] | _Connection"

_OFFERED: Final = """
SELECT o.name, o.listed_at, o.refresh_fault, coalesce(c.enabled, true) AS turned_on, c.markup_bps
FROM (
    SELECT name, listed_at, refresh_fault FROM provider WHERE enabled AND $2 = 'live'
    UNION ALL
    SELECT $3, now(), NULL WHERE $2 = 'test'
) AS o
LEFT JOIN partner_provider AS c
    ON c.organization_id = $1 AND c.environment = $2 AND c.provider = o.name
ORDER BY o.name
"""

_MARKUP: Final = """
SELECT markup_bps FROM partner_markup WHERE organization_id = $1 AND environment = $2
"""

_OUTAGES: Final = """
SELECT p.name AS provider, o.fault, o.began_at, o.ended_at
FROM provider AS p CROSS JOIN LATERAL (
    SELECT fault, began_at, ended_at FROM provider_outage
    WHERE provider_id = p.name AND began_at > $1
    UNION ALL
    (SELECT fault, began_at, ended_at FROM provider_outage
     WHERE provider_id = p.name AND began_at <= $1 ORDER BY began_at DESC LIMIT 1)
) AS o
WHERE p.enabled ORDER BY p.name, o.began_at
"""

_DOWN: Final = """
SELECT o.provider_id AS provider, o.fault, o.began_at, o.ended_at
FROM provider_outage AS o JOIN provider AS p ON p.name = o.provider_id AND p.enabled
WHERE o.ended_at IS NULL AND NOT EXISTS (
    SELECT FROM partner_provider AS c
    WHERE c.organization_id = $1 AND c.environment = $2 AND c.provider = o.provider_id
      AND NOT c.enabled)
ORDER BY o.began_at
"""


async def offered(source: Source, *, actor: Actor) -> list[OfferedProvider]:
    """The providers that the operator enabled, by name, with what the partner chose.

    In test there is the simulator and nothing else.
    """
    environment = actor.environment.value
    rows = await source.fetch(_OFFERED, actor.organization_id, environment, SIMULATOR.name)
    return [offered_provider(row) for row in rows]


async def markup_of(source: Source, *, actor: Actor) -> int:
    """The partner's markup where neither quote nor provider has one, basis points."""
    found: int | None = await source.fetchval(
        _MARKUP, actor.organization_id, actor.environment.value
    )
    return found or 0


async def terms_of(ctx: AppContext, *, environment: Environment) -> dict[str, Terms]:
    """What each enabled provider does about refunds and markups, by name.

    A provider that is missing here cannot be used: its credentials do not open.
    """
    listed = await routing_of(ctx).enabled(environment)
    return {one.name: Terms(one.provider.refunds, one.provider.most_markup_bps) for one in listed}


async def outages_since(ctx: AppContext, since: datetime) -> list[ProviderDown]:
    """Outages of enabled providers that began after `since`, and of each the last one before it.

    By provider, the oldest first. They are the installation's, not a partner's.
    """
    return [provider_down(row) for row in await ctx.database.pool.fetch(_OUTAGES, since)]


async def down_now(ctx: AppContext, *, actor: Actor) -> list[ProviderDown]:
    """Open outages of the providers that the partner uses, the longest first. None in test."""
    if actor.environment is Environment.TEST:
        return []
    rows = await ctx.database.pool.fetch(_DOWN, actor.organization_id, actor.environment.value)
    return [provider_down(row) for row in rows]
