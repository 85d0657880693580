"""The sessions of people, for whoever has to end or renew them: plain SQL, no Django.

What a session holds and how a browser gets one is `session_backend`.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from privata.accounts import trail
from privata.accounts.client import Client
from privata.infra.context import AppContext
from privata.infra.database.postgres import Database, Transaction

#: A session ends after 8 hours without a request, and after 30 days anyway (docs/accounts.md).
IDLE: Final = timedelta(hours=8)
ABSOLUTE: Final = timedelta(days=30)

#: One person may hold so many; another sign-in ends the oldest.
MOST_PER_USER: Final = 10

_END_ALL: Final = "DELETE FROM user_session WHERE user_id = $1 AND key_digest <> $2"

_END_ONE: Final = "DELETE FROM user_session WHERE user_id = $1 AND id = $2 RETURNING ip, user_agent"

_ROTATE: Final = "UPDATE user_session SET rotate = true WHERE user_id = $1"

_FORGET: Final = """
DELETE FROM user_session
WHERE last_seen_at < now() - $1::interval
   OR coalesce(signed_in_at, created_at) < now() - $2::interval
"""


def digest_of(key: str) -> bytes:
    """What is stored of a session's token: it has 190 random bits, so a plain hash hides it."""
    return hashlib.sha256(key.encode()).digest()


async def end_all(tx: Transaction, user_id: int, *, but: str = "") -> None:
    """End the person's sessions in the caller's transaction, all but the one with token `but`."""
    await tx.connection.execute(_END_ALL, user_id, digest_of(but))


async def rotate_all(tx: Transaction, user_id: int) -> None:
    """Every session of the person gets a new token with its next page: the role has changed."""
    await tx.connection.execute(_ROTATE, user_id)


async def end_others(ctx: AppContext, *, user_id: int, email: str, client: Client) -> None:
    """End every session of the person but the one of `client`."""
    async with ctx.database.transaction() as tx:
        await end_all(tx, user_id, but=client.session)
        await trail.record(
            tx, user_id=user_id, email=email, client=client, action="session.others_ended"
        )


async def end_one(
    ctx: AppContext, *, user_id: int, email: str, session_id: int, client: Client
) -> bool:
    """End one session of the person; False if it is gone or somebody else's."""
    async with ctx.database.transaction() as tx:
        ended = await tx.connection.fetchrow(_END_ONE, user_id, session_id)
        if ended is None:
            return False
        await trail.record(
            tx,
            user_id=user_id,
            email=email,
            client=client,
            action="session.ended",
            target=str(session_id),
            changes={"ip": ended["ip"], "user_agent": ended["user_agent"]},
        )
    return True


async def forget_old(database: Database) -> None:
    """Delete sessions that nobody can use any more."""
    await database.pool.execute(_FORGET, IDLE, ABSOLUTE)
