"""Telling partners that a provider of theirs does not answer, once for each outage.

Concerned are those with live orders there that are still followed, and those who made many there of
late (SPEC 13). They are told a few at a time, each batch in one transaction with how far the
telling has come: a worker that dies tells nobody twice.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from privata.core.ids import new_order_id
from privata.core.tenancy import Environment
from privata.events.ops_events import provider_outage_affecting_partner, publish_ops
from privata.infra.context import AppContext
from privata.routing.outages import claim_untold, note_told

#: Seconds between two looks, and organizations that are told in one transaction.
LOOK_EVERY_S: Final = 2.0
BATCH: Final = 100

#: Who has made more orders than this at a provider within `LATELY` uses it.
MANY: Final = 10
LATELY: Final = timedelta(hours=24)

# Ids are in the order of time: the index on them leads to the orders of late.
_CONCERNED: Final = """
SELECT organization_id FROM (
    SELECT organization_id FROM orders
    WHERE environment = 'live' AND provider = $1 AND poll_at IS NOT NULL
    UNION
    SELECT organization_id FROM orders
    WHERE environment = 'live' AND provider = $1 AND id >= $4 AND created_at >= $5
    GROUP BY organization_id HAVING count(*) > $6
) AS concerned
WHERE $2::uuid IS NULL OR organization_id > $2
ORDER BY organization_id LIMIT $3
"""


async def tell_of_outages(ctx: AppContext) -> None:
    """Tell of outages until cancelled; any number of workers may."""
    while True:
        while await tell_once(ctx):
            pass
        await asyncio.sleep(LOOK_EVERY_S)


async def tell_once(ctx: AppContext) -> bool:
    """Tell the next partners of the oldest outage; False if there was none to tell of."""
    async with ctx.database.transaction() as tx:
        outage = await claim_untold(tx)
        if outage is None:
            return False
        since = ctx.clock.now() - LATELY
        rows = await tx.connection.fetch(
            _CONCERNED, outage.provider, outage.told_after, BATCH, new_order_id(since), since, MANY
        )
        for row in rows:
            event = provider_outage_affecting_partner(
                provider=outage.provider,
                environment=Environment.LIVE,
                reason="not_responding",
                now=ctx.clock.now(),
                since=outage.began_at,
            )
            await publish_ops(
                tx,
                organization_id=row["organization_id"],
                environment=Environment.LIVE,
                event=event,
            )
        last = rows[-1]["organization_id"] if rows else None
        await note_told(tx, outage, last, all_told=len(rows) < BATCH)
    return True
