"""How an endpoint is delivered to: its lanes, its retry schedule, its pace while resuming."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Final
from uuid import UUID

from privata.core.tenancy import Actor
from privata.events.service import DELIVERIES_BELL
from privata.infra.kernel import Kernel
from privata.webhooks.doors import locked_endpoint, note
from privata.webhooks.endpoint_rules import checked_pace, checked_schedule

_TUNE: Final = """
UPDATE webhook_endpoint
SET strict_lanes = $2, schedule_s = $3, pace_per_s = $4, updated_at = now()
WHERE id = $1
"""


async def tune_endpoint(
    kernel: Kernel,
    *,
    actor: Actor,
    endpoint_id: UUID,
    strict_lanes: bool | None = None,
    schedule_s: Sequence[int] | EllipsisType | None = ...,
    pace_per_s: int | None = None,
) -> None:
    """Change what is given; a schedule of None is that of the dialect.

    Attempts that are due keep their time: a new schedule says when the ones after them are.
    `NotFound`; `ValidationFailed` names the wrong field.
    """
    async with kernel.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        schedule = row["schedule_s"]
        if not isinstance(schedule_s, EllipsisType):
            schedule = checked_schedule(schedule_s)
        new = {
            "strict_lanes": row["strict_lanes"] if strict_lanes is None else strict_lanes,
            "schedule_s": schedule,
            "pace_per_s": row["pace_per_s"] if pace_per_s is None else checked_pace(pace_per_s),
        }
        changes = {name: [row[name], value] for name, value in new.items() if row[name] != value}
        if not changes:
            return
        await tx.connection.execute(_TUNE, endpoint_id, *new.values())
        await note(tx, actor, "endpoint.updated", endpoint_id, changes)
        tx.ring(DELIVERIES_BELL)
