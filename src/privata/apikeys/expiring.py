"""Telling an organization in time that a key is about to expire: 7 days and 24 hours before, by
ops event and by mail."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from privata.apikeys.rules import ends_at
from privata.core.tenancy import Environment
from privata.events.ops_events import api_key_expiring, publish_ops
from privata.events.service import is_published
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_key_expires

#: Hours before 00:00 UTC of the expiry date at which we warn (docs/authentication.md).
FIRST_WARNING_H: Final = 168
LAST_WARNING_H: Final = 24

#: Seconds between two looks, and keys told of in one transaction.
LOOK_EVERY_S: Final = 60.0
BATCH: Final = 100

_HOUR: Final = timedelta(hours=1)

# Taking and marking are one statement, which another worker's lock makes skip the row: a warning
# is told once however many look. A key with little time left is told once, by the later warning.
_TAKE: Final = """
WITH due AS (
    SELECT id FROM api_key
    WHERE revoked_at IS NULL AND expires_on IS NOT NULL
      AND expires_on::timestamp AT TIME ZONE 'UTC' > $1
      AND (expires_on::timestamp AT TIME ZONE 'UTC' - make_interval(hours => $2) <= $1
           AND expiry_told_hours IS NULL
           OR expires_on::timestamp AT TIME ZONE 'UTC' - make_interval(hours => $3) <= $1
           AND coalesce(expiry_told_hours, $2) > $3)
    ORDER BY expires_on LIMIT $4
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE api_key AS k SET expiry_told_hours = CASE
    WHEN k.expires_on::timestamp AT TIME ZONE 'UTC' - make_interval(hours => $3) <= $1
    THEN $3 ELSE $2 END
FROM due JOIN api_key_secret AS s ON s.key_id = due.id AND s.dead_at IS NULL
WHERE k.id = due.id
RETURNING k.id, k.organization_id, k.environment, k.name, k.expires_on, k.created_by, s.prefix
"""


async def warn_of_expiry(ctx: AppContext) -> None:
    """Tell of keys that expire, until cancelled; any number of workers may."""
    while True:
        while await warn_once(ctx) == BATCH:
            pass
        await asyncio.sleep(LOOK_EVERY_S)


async def warn_once(ctx: AppContext) -> int:
    """Tell of the keys that are due, at most `BATCH`; how many that was."""
    now = ctx.clock.now()
    async with ctx.database.transaction() as tx:
        rows = await tx.connection.fetch(_TAKE, now, FIRST_WARNING_H, LAST_WARNING_H, BATCH)
        for row in rows:
            await _tell(ctx, tx, row, now)
    return len(rows)


async def _tell(ctx: AppContext, tx: Transaction, row: asyncpg.Record, now: datetime) -> None:
    organization_id, environment = row["organization_id"], Environment(row["environment"])
    end = ends_at(row["expires_on"])
    hours_left = math.ceil((end - now) / _HOUR)
    event = api_key_expiring(
        key_id=row["id"],
        name=row["name"],
        prefix=row["prefix"],
        environment=environment,
        now=now,
        expires_on=row["expires_on"],
        hours_left=hours_left,
    )
    # An expiry that was moved away and back is due to be told again, and is the same event: there
    # is the mail then.
    if not await is_published(tx, organization_id, event.event_id):
        await publish_ops(tx, organization_id=organization_id, environment=environment, event=event)
    await mail_key_expires(
        ctx,
        tx,
        organization_id=organization_id,
        environment=environment,
        name=row["name"],
        prefix=row["prefix"],
        created_by=row["created_by"],
        ends_at=end,
        hours_left=hours_left,
        path=f"/{environment.value}/keys/{row['id']}",
    )
