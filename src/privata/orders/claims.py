"""Claiming the orders to look at: for each organization its share, whoever else has how many.

A claimed order is moved out of sight for the lease; a worker that dies gives it back by time.
"""

from __future__ import annotations

from typing import Final

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.due_work import DueSql, DueWork
from privata.orders.rows import Order, order_row

# The kind of an order by which it is claimed: it needs a refund, it is expired, or it is open.
_KIND: Final = "(w.status = 'refund_required') = $5 AND (w.status = 'expired') = $6"

DUE_POLLS: Final = DueSql(
    since="w.poll_at",
    waiting=f"orders AS w WHERE w.poll_at <= now() AND w.environment = $4 AND {_KIND}",
    due=f"""
    SELECT w.id, w.organization_id, w.environment FROM orders AS w
    WHERE w.organization_id = {{organization}} AND w.environment = {{environment}}
      AND w.poll_at <= now() AND {_KIND}
    ORDER BY w.poll_at LIMIT {{most}} FOR UPDATE SKIP LOCKED""",  # noqa: S608  # our own constants
    taken="""
UPDATE orders AS o SET poll_at = now() + make_interval(secs => $4)
FROM due
WHERE o.organization_id = {organization} AND o.id = due.id
RETURNING o.*""",
)

# Bounded, so that the index is not walked through all the orders that are due much later.
_NEXT_POLL: Final = """
SELECT extract(epoch FROM min(poll_at) - now())::float8 FROM orders
WHERE poll_at <= now() + make_interval(secs => $3)
  AND environment = $1 AND (status = 'refund_required') = $2 AND (status = 'expired') = $4
"""


class Polls:
    """The orders of an environment that are to be looked at: the open ones, with `refunds` those
    that need a refund, with `late` the expired ones."""

    def __init__(
        self,
        ctx: AppContext,
        environment: Environment,
        *,
        refunds: bool = False,
        late: bool = False,
    ) -> None:
        self._pool = ctx.database.pool
        self._kind = (environment.value, refunds, late)
        apart = ctx.settings.database_distributed
        self._work = DueWork(DUE_POLLS, *self._kind, apart=apart)

    async def claim(self, most: int, lease_s: float) -> list[Order]:
        """Orders to look at now, claimed for `lease_s` seconds."""
        rows = await self._work.claim(self._pool, most, lease_s, *self._kind[1:])
        return [order_row(row) for row in rows]

    async def seconds_to_next(self, within_s: float) -> float | None:
        """Seconds until the next is due; negative if one is; None if none is `within_s`."""
        environment, refunds, late = self._kind
        found: float | None = await self._pool.fetchval(
            _NEXT_POLL, environment, refunds, within_s, late
        )
        return found
