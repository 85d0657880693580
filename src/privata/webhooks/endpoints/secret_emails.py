"""Telling owners of signing secrets that a program made: they can confirm payouts a day later."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_secret_made

#: Mails about secrets that an organization gets in an hour: a program that makes many must not fill
#: its owners' mailboxes. The last of them says so; the audit log names every secret.
MOST_AN_HOUR: Final = 10

# Two at once may both see the same count: one mail more or less.
_MADE_LATELY: Final = """
SELECT count(*) FROM webhook_secret
WHERE organization_id = $1 AND environment = $2 AND by_program
  AND created_at > statement_timestamp() - interval '1 hour'
"""

_ALIAS: Final = "SELECT alias FROM webhook_endpoint WHERE id = $1 AND organization_id = $2"

_LAST: Final = (
    f" This is the {MOST_AN_HOUR}th within an hour: further ones appear only in the audit log."
)


async def tell_of_secret(
    ctx: AppContext, tx: Transaction, *, actor: Actor, endpoint_id: UUID
) -> None:
    """Tell the owners that a key or a token made a live secret, in the transaction that made it.

    People who make one on a page have shown who they are, and secrets of the sandbox prove nothing.
    """
    if not actor.is_program or actor.environment is not Environment.LIVE:
        return
    made = await tx.connection.fetchval(
        _MADE_LATELY, actor.organization_id, actor.environment.value
    )
    if made > MOST_AN_HOUR:
        return
    await mail_secret_made(
        ctx,
        tx,
        organization_id=actor.organization_id,
        actor=actor.label,
        endpoint=await tx.connection.fetchval(_ALIAS, endpoint_id, actor.organization_id),
        more=_LAST if made == MOST_AN_HOUR else "",
        path=f"/{actor.environment.value}/webhooks/{endpoint_id}",
    )
