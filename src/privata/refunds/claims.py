"""Claiming the refunds whose provider is to be asked, for each organization its share.

A claimed refund is moved out of sight for the lease. A worker that dies in the middle gives it back
by time, and the next one asks the provider with the same reference.
"""

from __future__ import annotations

from typing import Final

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.due_work import DueSql, DueWork
from privata.infra.database.rows import reader
from privata.orders.service import joining_order, noting_change
from privata.refunds.store import ClaimedRefund

_claimed = reader(ClaimedRefund)

# The first claim is seen in the order (`processing`), so it changes the order as well. Both rows
# are locked before either is written, the order first as everywhere, and what somebody else holds
# is left for later: a claim waits for nobody. It is left out before the LIMIT counts: orders that
# are locked, however long, hold back no other.
DUE_REFUNDS: Final = DueSql(
    since="w.due_at",
    waiting="refund AS w WHERE w.due_at <= now() AND w.environment = $4",
    due=f"""
    SELECT w.order_id, w.organization_id, w.environment, w.state
    FROM refund AS w {joining_order("w", "its_order")}
    WHERE w.organization_id = {{organization}} AND w.environment = {{environment}}
      AND w.due_at <= now()
    ORDER BY w.due_at LIMIT {{most}} FOR NO KEY UPDATE OF its_order, w SKIP LOCKED""",  # noqa: S608
    taken=f"""
, told AS (
    {noting_change("due", "{organization}", "due.state = 'requested'")}
)
UPDATE refund AS r
SET state = 'processing', due_at = now() + make_interval(secs => $4),
    lease_token = r.lease_token + 1
FROM due JOIN order_facts AS o ON o.organization_id = {{organization}} AND o.id = due.order_id
WHERE r.organization_id = {{organization}} AND r.order_id = due.order_id
RETURNING r.*, o.provider, o.provider_order_id, o.quote_id, o.amount_from, o.from_asset,
          o.from_network, o.sandbox_scenario, o.sandbox_ttl, o.provider_secret""",  # noqa: S608  # our own constants
)

_NEXT: Final = """
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM refund WHERE environment = $1
"""


class DueRefunds:
    """The refunds of an environment whose provider is to be asked."""

    def __init__(self, ctx: AppContext, environment: Environment) -> None:
        self._pool = ctx.database.pool
        self._environment = environment.value
        apart = ctx.settings.database_distributed
        self._work = DueWork(DUE_REFUNDS, self._environment, apart=apart)

    async def claim(self, most: int, lease_s: float) -> list[ClaimedRefund]:
        """Refunds to ask about now, claimed for `lease_s` seconds."""
        rows = await self._work.claim(self._pool, most, lease_s)
        return [_claimed(row) for row in rows]

    async def seconds_to_next(self) -> float | None:
        """Seconds until the next refund is due; negative if one is; None if there is none."""
        found: float | None = await self._pool.fetchval(_NEXT, self._environment)
        return found
