"""A forgotten password: a mailed link that sets a new one, once, within an hour."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any, Final

from privata.accounts import limits, passwords
from privata.accounts.client import Client
from privata.accounts.guarding import network_of
from privata.infra.context import AppContext
from privata.notifications.catalogue import MailTemplate
from privata.notifications.service import send_mail

LIFETIME: Final = timedelta(hours=1)

_INSERT: Final = """
INSERT INTO reset_link (id, email, digest, expires_at) VALUES ($1, $2, $3, now() + $4::interval)
RETURNING expires_at
"""

_PEEK: Final = """
SELECT u.email FROM reset_link AS r JOIN app_user AS u ON lower(u.email) = lower(r.email)
WHERE r.digest = $1 AND r.used_at IS NULL AND r.expires_at > now() AND u.is_active
"""

# Two uses at the same moment: the second finds no row.
_USE: Final = """
UPDATE reset_link SET used_at = now()
WHERE digest = $1 AND used_at IS NULL AND expires_at > now() RETURNING email
"""

# A link that was asked for earlier must not undo the password that was just set.
_END_OTHERS: Final = """
UPDATE reset_link SET used_at = now() WHERE lower(email) = lower($1) AND used_at IS NULL
"""

_USER: Final = """
SELECT id, email FROM app_user WHERE lower(email) = lower($1) AND is_active
"""


async def request_link(ctx: AppContext, *, email: str, client: Client) -> None:
    """Mail a link to the account of `email`, if there is one and no limit is reached.

    Costs and answers the same with and without an account: whether somebody gets the mail is
    decided when it is sent.
    """
    by_address = await limits.take(ctx, limits.MAILS_BY_ADDRESS, network_of(client.ip))
    if not by_address.granted:
        return
    if not (await limits.take(ctx, limits.RESET_MAILS, email)).granted:
        await limits.give_back(ctx, by_address)  # no mail goes out
        return
    token = secrets.token_urlsafe(32)
    async with ctx.database.transaction() as tx:
        expires_at = await tx.connection.fetchval(
            _INSERT, uuid.uuid4(), email, _digest(token), LIFETIME
        )
        await send_mail(
            tx,
            ctx.sealer,
            template=MailTemplate.RESET_LINK,
            to=email,
            values={"token": token},
            useless_after=expires_at,
        )


async def email_of(ctx: AppContext, token: str) -> str | None:
    """Whose password the link would set; None if it is used, expired or none of ours."""
    email: str | None = await ctx.database.pool.fetchval(_PEEK, _digest(token))
    return email


async def set_password(ctx: AppContext, *, token: str, password_hash: str, client: Client) -> bool:
    """Use the link up and set the password; every session of the person ends. False if the link
    is no longer good."""
    async with ctx.database.transaction() as tx:
        email = await tx.connection.fetchval(_USE, _digest(token))
        user: Any = None if email is None else await tx.connection.fetchrow(_USER, email)
        if user is None:
            return False
        await tx.connection.execute(_END_OTHERS, email)
        await passwords.replace(
            tx,
            ctx,
            user_id=user["id"],
            email=user["email"],
            password_hash=password_hash,
            client=client,
            action="account.password_reset",
        )
    # Who proved the address and chose a password may use it at once.
    await limits.clear(ctx, limits.SIGN_IN_BY_EMAIL, user["email"])
    return True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
