"""Which mails a member does without."""

from __future__ import annotations

from uuid import UUID

from privata.audit import service as audit
from privata.core.errors import NotFound
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.organizations.preferences import Notice

_MINE = """
SELECT notice FROM notice_opt_out AS n JOIN membership AS m ON m.id = n.membership_id
WHERE m.organization_id = $1 AND m.user_id = $2
"""


async def opted_out_of(ctx: AppContext, organization_id: UUID, user_id: int) -> set[Notice]:
    """The mails that this member does not want."""
    rows = await ctx.database.pool.fetch(_MINE, organization_id, user_id)
    return {Notice(row["notice"]) for row in rows}


async def set_opt_outs(ctx: AppContext, *, actor: Actor, unwanted: set[Notice]) -> None:
    """Make these the mails that the actor does without."""
    async with ctx.database.transaction() as tx:
        membership_id = await tx.connection.fetchval(
            "SELECT id FROM membership WHERE organization_id = $1 AND user_id = $2 FOR UPDATE",
            actor.organization_id,
            int(actor.id),
        )
        if membership_id is None:
            raise NotFound("Member not found.")
        rows = await tx.connection.fetch(
            "DELETE FROM notice_opt_out WHERE membership_id = $1 RETURNING notice", membership_id
        )
        before = sorted(row["notice"] for row in rows)
        after = sorted(notice.value for notice in unwanted)
        await tx.connection.executemany(
            "INSERT INTO notice_opt_out (membership_id, notice) VALUES ($1, $2)",
            [(membership_id, notice) for notice in after],
        )
        if before != after:
            await audit.record(
                tx,
                actor=actor,
                action="notices.changed",
                target=actor.id,
                changes={"unwanted": audit.changed(before, after)},
            )
