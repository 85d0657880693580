"""Which deliveries wait because of a fault of ours: for the operator's console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privata.infra.context import AppContext

# By the indexes of what is pending; a held delivery waits for its partner and not for us.
_WAITING: Final = """
SELECT count(*)::int AS deliveries, count(DISTINCT e.id)::int AS endpoints,
       count(DISTINCT e.organization_id)::int AS organizations, min(waits.created_at) AS since,
       (array_agg(waits.id ORDER BY waits.last_attempt_at DESC))[1] AS latest,
       (array_agg(e.organization_id ORDER BY waits.last_attempt_at DESC))[1] AS its_owner
FROM webhook_endpoint AS e CROSS JOIN LATERAL (
    SELECT d.id, d.created_at, d.last_attempt_at FROM webhook_due AS d
    WHERE d.organization_id = e.organization_id AND d.endpoint_id = e.id
      AND d.last_outcome = 'internal'
) AS waits
WHERE e.status IN ('active', 'resuming')
"""

_WHY: Final = """
SELECT detail FROM webhook_attempt
WHERE organization_id = $1 AND delivery_id = $2 AND outcome = 'internal'
ORDER BY lease_token DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class WaitingForUs:
    """How many deliveries of how many partners; `why` is the sentence that partners read."""

    deliveries: int
    endpoints: int
    organizations: int
    since: datetime
    why: str


async def waiting_for_us(ctx: AppContext) -> WaitingForUs | None:
    """What waits because its last attempt was our fault; None when nothing does."""
    async with ctx.database.pool.acquire() as connection:
        row = await connection.fetchrow(_WAITING)
        if row is None or not row["deliveries"]:
            return None
        why = await connection.fetchval(_WHY, row["its_owner"], row["latest"])
    return WaitingForUs(
        row["deliveries"],
        row["endpoints"],
        row["organizations"],
        row["since"],
        why or "The log of the worker says why.",
    )
