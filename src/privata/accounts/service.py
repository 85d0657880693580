"""What other rooms ask of accounts."""

from __future__ import annotations

from privata.accounts import sessions
from privata.accounts.limits import Limit, Try, take
from privata.infra.postgres import Transaction

#: Counted tries (`limits`) are for other rooms' mails as well.
__all__ = ["Limit", "Try", "end_sessions", "rotate_sessions", "take"]


async def end_sessions(tx: Transaction, user_id: int) -> None:
    """End every session of the person in the caller's transaction: membership taken away, account
    deactivated. Pages stop with the commit, open live streams within seconds (desk.live)."""
    await sessions.end_all(tx, user_id)


async def rotate_sessions(tx: Transaction, user_id: int) -> None:
    """Give every session of the person a new token with its next page: the role has changed."""
    await sessions.rotate_all(tx, user_id)
