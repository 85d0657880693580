"""Signing up: a code goes to the address, and only who types it gets an account.

Nothing tells whether an address has one already: a code is made and a mail queued for every
address, and the mail's text is chosen when it is sent (see notifications.catalogue).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.accounts import codes, limits, trail
from privata.accounts.client import Client
from privata.accounts.codes import CodeCheck
from privata.accounts.guarding import network_of
from privata.accounts.limits import Try
from privata.accounts.states import CodePurpose
from privata.infra.context import AppContext
from privata.notifications.catalogue import MailTemplate
from privata.notifications.service import send_mail

_ADD_USER: Final = """
INSERT INTO app_user (email, password, is_superuser) VALUES (lower($1), $2, false)
ON CONFLICT ((lower(email))) DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class SignUpTry:
    """A sign-up, or another code for one, within the limits of mails."""

    tries: tuple[Try, Try]


async def enter(ctx: AppContext, *, email: str, client: Client) -> SignUpTry | None:
    """Take a mail of the address and of `email`; None where one of them has no more.

    Before anything else is done for it, above all before a password is hashed.
    """
    by_address = await limits.take(ctx, limits.MAILS_BY_ADDRESS, network_of(client.ip))
    if not by_address.granted:
        return None
    by_email = await limits.take(ctx, limits.SIGN_UP_MAILS, email)
    if not by_email.granted:
        await limits.give_back(ctx, by_address)  # no mail goes out
        return None
    return SignUpTry((by_address, by_email))


async def leave(ctx: AppContext, attempt: SignUpTry) -> None:
    """Give the mails back: none was sent."""
    for one in attempt.tries:
        await limits.give_back(ctx, one)


async def send_code(ctx: AppContext, *, email: str, instead_of: UUID | None = None) -> UUID:
    """Mail a code to `email`, after `enter`; its id.

    `instead_of` is the code that the same sign-up had before; it ends.
    """
    async with ctx.database.transaction() as tx:
        minted = await codes.mint(
            tx, ctx.sealer, purpose=CodePurpose.SIGN_UP, email=email, instead_of=instead_of
        )
        await send_mail(
            tx,
            ctx.sealer,
            template=MailTemplate.SIGN_UP_CODE,
            to=email,
            values={"code": minted.code},
            useless_after=minted.expires_at,
        )
    return minted.id


async def finish(
    ctx: AppContext, *, code_id: UUID, typed: str, password_hash: str, client: Client
) -> int | CodeCheck:
    """Make the account if the code is right: the new user's id, or why not.

    Where the address has an account, the mail held no code; a guess that hits is a wrong code.
    """
    check = await codes.judge(ctx, code_id, typed, CodePurpose.SIGN_UP)
    if check is not CodeCheck.RIGHT:
        return check
    async with ctx.database.transaction() as tx:
        email = await codes.use(tx, code_id)
        if email is None:
            return CodeCheck.ENDED
        user_id: int | None = await tx.connection.fetchval(_ADD_USER, email, password_hash)
        if user_id is None:
            return CodeCheck.WRONG
        await trail.record(
            tx, user_id=user_id, email=email, client=client, action="account.created"
        )
    return user_id
