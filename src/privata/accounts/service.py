"""What other rooms ask of accounts: to make people, to end or renew sessions, to count tries."""

from __future__ import annotations

import asyncpg

from privata.accounts import sessions
from privata.accounts.limits import Limit, Try, take
from privata.core.errors import PrivataError
from privata.infra.database.postgres import Transaction

__all__ = [
    "EmailTaken",
    "Limit",
    "Try",
    "create_user",
    "end_sessions",
    "lock_user",
    "rotate_sessions",
    "take",
]


class EmailTaken(PrivataError):
    """A user with this email exists already."""


async def create_user(
    tx: Transaction, *, email: str, password_hash: str, staff: bool = False, name: str = ""
) -> int:
    """Make a user; `EmailTaken` if there is one with this address in any case."""
    try:
        user_id: int = await tx.connection.fetchval(
            "INSERT INTO app_user (email, password, name, is_staff, is_superuser)"
            " VALUES (lower($1), $2, $3, $4, false) RETURNING id",
            email,
            password_hash,
            name,
            staff,
        )
    except asyncpg.UniqueViolationError:
        raise EmailTaken(f"{email} has an account already.") from None
    return user_id


async def lock_user(tx: Transaction, user_id: int) -> None:
    """Hold the person's row until the commit: what is counted for them is counted one by one."""
    await tx.connection.execute("SELECT FROM app_user WHERE id = $1 FOR NO KEY UPDATE", user_id)


async def end_sessions(tx: Transaction, user_id: int) -> None:
    """End every session of the person in the caller's transaction: membership taken away, account
    deactivated. Pages stop with the commit, open live streams within seconds (dashboard.live)."""
    await sessions.end_all(tx, user_id)


async def rotate_sessions(tx: Transaction, user_id: int) -> None:
    """Give every session of the person a new token with its next page: the role has changed."""
    await sessions.rotate_all(tx, user_id)
