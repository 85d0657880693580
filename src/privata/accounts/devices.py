"""Browsers that a person has signed in from."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from privata.accounts import codes, limits, mails, trail
from privata.accounts.client import Client
from privata.accounts.codes import CodeCheck
from privata.accounts.states import CodePurpose
from privata.infra.context import AppContext
from privata.notifications.catalogue import MailTemplate

_KNOWN: Final = """
SELECT EXISTS (SELECT FROM known_device WHERE user_id = $1 AND digest = ANY($2::bytea[]))
"""

_REMEMBER: Final = """
INSERT INTO known_device (user_id, digest, user_agent, ip) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, digest) DO UPDATE SET last_used_at = now(), ip = excluded.ip,
    user_agent = excluded.user_agent
"""


async def is_known(ctx: AppContext, *, user_id: int, token: str | None) -> bool:
    """Whether the browser with this token has been used by the person."""
    if not token:
        return False
    digests = ctx.sealer.digests(_text(token))
    return bool(await ctx.database.pool.fetchval(_KNOWN, user_id, digests))


async def signed_in(
    ctx: AppContext, *, user_id: int, email: str, token: str, client: Client, tell: bool
) -> None:
    """Remember the browser after a sign-in, record the sign-in, and with `tell` say so by mail."""
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(
            _REMEMBER, user_id, ctx.sealer.digest(_text(token)), client.user_agent[:256], client.ip
        )
        await trail.record(
            tx,
            user_id=user_id,
            email=email,
            client=client,
            action="session.started",
            changes={"new_device": tell},
        )
        if tell:
            await mails.tell(tx, ctx, MailTemplate.NEW_LOGIN, email, client)


async def send_code(
    ctx: AppContext, *, email: str, client: Client, instead_of: UUID | None = None
) -> UUID | None:
    """Mail a code for a new browser; its id, or None where the limit of mails is reached."""
    if not (await limits.take(ctx, limits.DEVICE_MAILS, email)).granted:
        return None
    async with ctx.database.transaction() as tx:
        minted = await codes.mint(
            tx, ctx.sealer, purpose=CodePurpose.NEW_DEVICE, email=email, instead_of=instead_of
        )
        await mails.tell(
            tx,
            ctx,
            MailTemplate.NEW_DEVICE_CODE,
            email,
            client,
            useless_after=minted.expires_at,
            code=minted.code,
        )
    return minted.id


async def check_code(ctx: AppContext, code_id: UUID, typed: str) -> CodeCheck:
    """Judge the code for a new browser and use it up."""
    check = await codes.judge(ctx, code_id, typed, CodePurpose.NEW_DEVICE)
    if check is not CodeCheck.RIGHT:
        return check
    async with ctx.database.transaction() as tx:
        used = await codes.use(tx, code_id)
    return CodeCheck.RIGHT if used else CodeCheck.ENDED


def _text(token: str) -> str:
    return f"known_device:{token}"
