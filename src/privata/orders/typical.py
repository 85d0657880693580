"""How long a state usually takes: what orders like this one took lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.orders.search import listing
from privata.orders.search.filters import OrderFilter
from privata.orders.search.sql import Scope, Search

#: The latest completed orders that are looked at, and how many it takes to say "usually".
SAMPLE: Final = 100
LEAST: Final = 10

#: Past so many times the usual time a state is late.
LATE: Final = 2

# The middle half of what they took, in seconds.
_SPREAD: Final = """
SELECT (count(*))::int AS seen,
       percentile_cont(0.25) WITHIN GROUP (ORDER BY took) AS low,
       percentile_cont(0.75) WITHIN GROUP (ORDER BY took) AS high
FROM (
    SELECT status,
           extract(epoch FROM lead(at) OVER (PARTITION BY order_id ORDER BY seq) - at)::float8
               AS took
    FROM order_timeline WHERE organization_id = $3 AND order_id = ANY ($1::text[])
) AS steps
WHERE status = $2 AND took IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Usual:
    """Seconds that the middle half of similar orders took."""

    low: float
    high: float

    def is_late(self, seconds: float) -> bool:
        """Whether a state that has lasted so long is worth a second look."""
        return seconds > LATE * self.high


async def usual_time(
    ctx: AppContext, *, actor: Actor, status: OrderStatus, provider: str, source: str
) -> Usual | None:
    """How long orders of the last 30 days with this provider and deposit asset were in `status`.

    None when there are too few to tell.
    """
    chosen = OrderFilter(
        statuses=(OrderStatus.COMPLETED.value,),
        providers=(provider,),
        source=source,
        span="30d",
    )
    scope = Scope(actor.organization_id, actor.environment)
    search = Search(scope, chosen, ctx.clock.now())
    rows = await listing.rows_of(ctx, search, limit=SAMPLE, columns=listing.PLACES)
    if len(rows) < LEAST:
        return None
    ids = [row.id for row in rows]
    found = await ctx.database.pool.fetchrow(_SPREAD, ids, status.value, actor.organization_id)
    if found is None or found["seen"] < LEAST:
        return None
    return Usual(found["low"], found["high"])
