"""Telling the technical contact by mail of an endpoint that was paused by what it answered.

Not in the transaction that pauses: that one records the deliveries of many organizations, and a
mail can wait some seconds. A pause that is over by then needs none.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_endpoint_paused
from privata.webhooks.endpoints.pausing import MAX_FAILURES, WINDOW, Reason

#: Seconds between two looks, and endpoints told of in one transaction.
LOOK_EVERY_S: Final = 15.0
BATCH: Final = 100

# Taking and marking are one statement, and a row that another worker holds is skipped: each pause
# is told once however many look. People who pause by hand know of it.
_TAKE: Final = """
UPDATE webhook_endpoint SET pause_told_at = paused_at
WHERE id = ANY (ARRAY(
    SELECT id FROM webhook_endpoint
    WHERE status = 'paused' AND paused_reason <> $1
      AND (pause_told_at IS NULL OR pause_told_at < paused_at)
    ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, organization_id, environment, alias, url, paused_reason, last_error
"""


async def tell_of_pauses(ctx: AppContext) -> None:
    """Mail about paused endpoints until cancelled; any number of workers may."""
    while True:
        while await tell_once(ctx) == BATCH:
            pass
        await asyncio.sleep(LOOK_EVERY_S)


async def tell_once(ctx: AppContext) -> int:
    """Mail about the pauses that nobody was told of, at most `BATCH`; how many that was."""
    async with ctx.database.transaction() as tx:
        rows = await tx.connection.fetch(_TAKE, Reason.MANUAL.value, BATCH)
        for row in rows:
            await _tell(ctx, tx, row)
    return len(rows)


async def _tell(ctx: AppContext, tx: Transaction, row: asyncpg.Record) -> None:
    environment = Environment(row["environment"])
    await mail_endpoint_paused(
        ctx,
        tx,
        organization_id=row["organization_id"],
        environment=environment,
        endpoint=row["alias"] or row["url"],
        reason=_because(row["paused_reason"], row["last_error"]),
        path=f"/{environment.value}/webhooks/{row['id']}",
    )


def _because(reason: str, last_error: str | None) -> str:
    if reason == Reason.GONE:
        return "the server returned 410 Gone."
    hours = int(WINDOW.total_seconds() // 3600)
    last = f" Last error: {last_error}." if last_error else ""
    return f"{MAX_FAILURES} attempts failed within {hours} hours.{last}"
