"""SQL of the attempts to open orders at real exchanges."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from privata.core.tenancy import Environment
from privata.orders.opening.fates import Fate

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# Two creates from one quote race for this row: the second one calls nobody.
_BEGIN: Final = """
INSERT INTO order_attempt (organization_id, environment, quote_id, provider)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING quote_id
"""

_END: Final = """
UPDATE order_attempt SET fate = $5, fault = $6, ended_at = now()
WHERE organization_id = $1 AND environment = $2 AND quote_id = $3 AND provider = $4
"""

# As long as the quotes that they are about. Workers skip each other's.
_FORGET: Final = """
DELETE FROM order_attempt
WHERE (organization_id, environment, quote_id, provider) IN (
    SELECT organization_id, environment, quote_id, provider FROM order_attempt
    WHERE begun_at < now() - $1::interval ORDER BY begun_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Attempt:
    """One create of a quote's order at one provider, as it is remembered."""

    def __init__(
        self,
        pool: Pool,
        organization_id: UUID,
        environment: Environment,
        quote_id: str,
        provider: str,
    ) -> None:
        self._pool = pool
        self._key = (organization_id, environment.value, quote_id, provider)

    async def begin(self) -> bool:
        """Note that the provider is about to be asked; False: it was asked before."""
        return await self._pool.fetchval(_BEGIN, *self._key) is not None

    async def end(self, fate: Fate, fault: str | None = None) -> None:
        """Note what became of it."""
        await self._pool.execute(_END, *self._key, fate.value, fault)


async def forget_attempts(pool: Pool, kept: timedelta, limit: int) -> int:
    """Remove attempts that are older than `kept`, `limit` at most; how many."""
    return int((await pool.execute(_FORGET, kept, limit)).rpartition(" ")[2])
