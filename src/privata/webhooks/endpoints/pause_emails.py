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
from privata.infra.database.due_work import DueSql, DueWork
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_endpoint_paused
from privata.webhooks.endpoints.pausing import MAX_FAILURES, WINDOW, Reason

#: Seconds between two looks, and endpoints told of in one transaction.
LOOK_EVERY_S: Final = 15.0
BATCH: Final = 100

_UNTOLD: Final = f"""w.status = 'paused' AND w.paused_reason <> '{Reason.MANUAL.value}'
      AND (w.pause_told_at IS NULL OR w.pause_told_at < w.paused_at)"""

# Taking and marking are one statement, and a row that another worker holds is skipped: each pause
# is told once however many look. People who pause by hand know of it.
DUE_NOTICES: Final = DueSql(
    since="w.paused_at",
    waiting=f"webhook_endpoint AS w WHERE {_UNTOLD}",
    due=f"""
    SELECT w.id, w.organization_id, w.environment FROM webhook_endpoint AS w
    WHERE w.organization_id = {{organization}} AND w.environment = {{environment}} AND {_UNTOLD}
    ORDER BY w.paused_at LIMIT {{most}} FOR NO KEY UPDATE SKIP LOCKED""",  # noqa: S608
    taken="""
UPDATE webhook_endpoint AS e SET pause_told_at = e.paused_at
FROM due
WHERE e.organization_id = {organization} AND e.id = due.id
RETURNING e.id, e.organization_id, e.environment, e.alias, e.url, e.paused_reason, e.last_error""",
)


async def tell_of_pauses(ctx: AppContext) -> None:
    """Mail about paused endpoints until cancelled; any number of workers may."""
    while True:
        while await tell_once(ctx):
            pass
        await asyncio.sleep(LOOK_EVERY_S)


async def tell_once(ctx: AppContext) -> int:
    """Mail about pauses that nobody was told of, at most `BATCH`; how many that was."""
    work = DueWork(DUE_NOTICES, apart=ctx.settings.database_distributed)
    async with ctx.database.transaction() as tx:
        rows = await work.claim(tx.connection, BATCH)
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
