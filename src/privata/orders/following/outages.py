"""Telling partners that a provider of theirs does not answer, once for each outage.

Concerned are those with live orders there that are still followed. They are told a few at a time,
each batch in one transaction with how far the telling has come: a worker that dies tells nobody
twice.
"""

from __future__ import annotations

import asyncio
from typing import Final

from privata.core.tenancy import Environment
from privata.events.ops_events import provider_outage_affecting_partner, publish_ops
from privata.infra.context import AppContext
from privata.routing.outages import claim_untold, note_told

#: Seconds between two looks, and organizations that are told in one transaction.
LOOK_EVERY_S: Final = 2.0
BATCH: Final = 100

_CONCERNED: Final = """
SELECT DISTINCT organization_id FROM orders
WHERE environment = 'live' AND provider = $1 AND poll_at IS NOT NULL
  AND ($2::uuid IS NULL OR organization_id > $2)
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
        rows = await tx.connection.fetch(_CONCERNED, outage.provider, outage.told_after, BATCH)
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
