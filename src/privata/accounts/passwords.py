"""Replacing a password: in one transaction with the end of sessions, the mail and the audit."""

from __future__ import annotations

from typing import Final

from privata.accounts import mails, sessions, trail
from privata.accounts.client import Client
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.notifications.catalogue import MailTemplate

_SET: Final = "UPDATE app_user SET password = $2 WHERE id = $1"


async def change(
    ctx: AppContext, *, user_id: int, email: str, password_hash: str, client: Client
) -> None:
    """Set a password that its person chose; every session but the one of `client` ends."""
    async with ctx.database.transaction() as tx:
        await replace(
            tx,
            ctx,
            user_id=user_id,
            email=email,
            password_hash=password_hash,
            client=client,
            action="account.password_changed",
            keep=client.session,
        )


async def replace(
    tx: Transaction,
    ctx: AppContext,
    *,
    user_id: int,
    email: str,
    password_hash: str,
    client: Client,
    action: str,
    keep: str = "",
) -> None:
    """The same in the caller's transaction; `keep` is the token of a session that stays."""
    await tx.connection.execute(_SET, user_id, password_hash)
    await sessions.end_all(tx, user_id, but=keep)
    await trail.record(tx, user_id=user_id, email=email, client=client, action=action)
    await mails.tell(tx, ctx, MailTemplate.PASSWORD_CHANGED, email, client)
