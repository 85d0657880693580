"""Replacing a password: in one transaction with the end of sessions, the mail and the audit."""

from __future__ import annotations

from typing import Final

from privata.accounts import letters, sessions, trail
from privata.accounts.place import Place
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.notifications.catalogue import Letter

_SET: Final = "UPDATE app_user SET password = $2 WHERE id = $1"


async def change(
    kernel: Kernel, *, user_id: int, email: str, password_hash: str, place: Place
) -> None:
    """Set a password that its person chose; every session but the one at `place` ends."""
    async with kernel.database.transaction() as tx:
        await replace(
            tx,
            kernel,
            user_id=user_id,
            email=email,
            password_hash=password_hash,
            place=place,
            action="account.password_changed",
            keep=place.session,
        )


async def replace(
    tx: Transaction,
    kernel: Kernel,
    *,
    user_id: int,
    email: str,
    password_hash: str,
    place: Place,
    action: str,
    keep: str = "",
) -> None:
    """The same in the caller's transaction; `keep` is the token of a session that stays."""
    await tx.connection.execute(_SET, user_id, password_hash)
    await sessions.end_all(tx, user_id, but=keep)
    await trail.record(tx, user_id=user_id, email=email, place=place, action=action)
    await letters.tell(tx, kernel, Letter.PASSWORD_CHANGED, email, place)
