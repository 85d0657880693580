"""How endpoints have been doing lately, for their list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from privata.infra.context import AppContext
from privata.webhooks.endpoints.reading import Partition, waiting_of

HOURS: Final = 24

# By what is stored: whether an attempt failed does not depend on where its endpoint stands.
_BY_HOUR: Final = """
SELECT d.endpoint_id, date_trunc('hour', d.created_at, 'UTC') AS hour,
       (count(*) FILTER (WHERE d.status = 'delivered'))::int AS delivered,
       (count(*) FILTER (WHERE d.status IN ('pending', 'exhausted') AND d.attempts > 0))::int
           AS failed,
       max(d.last_attempt_at) FILTER (WHERE d.last_outcome <> 'delivered') AS last
FROM webhook_every_delivery AS d
WHERE d.organization_id = $1 AND d.environment = $2 AND d.endpoint_id = ANY ($3::uuid[])
  AND d.created_at >= $4 AND d.id >= id_floor($4)
GROUP BY 1, 2
"""


@dataclass(slots=True)
class Health:
    """The last 24 hours of an endpoint, one state an hour, the present hour last."""

    states: list[str] = field(default_factory=lambda: ["none"] * HOURS)
    delivered: int = 0
    failed: int = 0
    waiting: int = 0
    last_failure_at: datetime | None = None

    @property
    def success(self) -> float | None:
        """The share of attempted deliveries that arrived; None without any."""
        tried = self.delivered + self.failed
        return self.delivered / tried if tried else None


async def health_of(
    ctx: AppContext, partition: Partition, endpoint_ids: Sequence[UUID], now: datetime
) -> dict[UUID, Health]:
    """The health of each endpoint, in two statements whatever their number."""
    found = {endpoint_id: Health() for endpoint_id in endpoint_ids}
    if not found:
        return found
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    since = this_hour - timedelta(hours=HOURS - 1)
    for row in await ctx.database.pool.fetch(_BY_HOUR, *partition.scope, list(found), since):
        health = found[row["endpoint_id"]]
        hours_ago = int((this_hour - row["hour"]) / timedelta(hours=1))
        _add(health, hours_ago, row["delivered"], row["failed"])
        last, known = row["last"], health.last_failure_at
        if last is not None and (known is None or last > known):
            health.last_failure_at = last
    for endpoint_id, count in (await waiting_of(ctx, partition, list(found))).items():
        found[endpoint_id].waiting = count
    return found


def _add(health: Health, hours_ago: int, delivered: int, failed: int) -> None:
    health.delivered += delivered
    health.failed += failed
    state = "none"
    if delivered + failed:
        state = "ok" if not failed else "warn" if delivered > failed else "bad"
    at = HOURS - 1 - min(max(hours_ago, 0), HOURS - 1)
    health.states[at] = state
