"""SQL of the mail queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from privata.infra.database.postgres import Database, Transaction
from privata.notifications.states import MailStatus

Row = asyncpg.Record

#: Seconds after which another worker may send what a dead one had taken.
LEASE_S: Final = 120

_ENQUEUE: Final = """
INSERT INTO mail (id, template, recipient, sealed, useless_after, due_at)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
"""

# `due_at` moves to the lease's end, so a worker that dies holds nothing back for longer.
_CLAIM: Final = """
UPDATE mail SET due_at = now() + make_interval(secs => $2), lease_token = lease_token + 1,
    attempts = attempts + 1
WHERE id IN (
    SELECT id FROM mail WHERE status = 'waiting' AND due_at <= now()
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING id, template, recipient, sealed, attempts, lease_token,
    coalesce(useless_after <= now(), false) AS useless
"""

# The token keeps out a worker whose lease ran out while it was sending.
_END: Final = """
UPDATE mail SET status = $3, sealed = NULL, ended_at = now(), last_error = $4
WHERE id = $1 AND lease_token = $2 AND status = 'waiting'
"""

_RETRY: Final = """
UPDATE mail SET due_at = now() + $3::interval, last_error = $4
WHERE id = $1 AND lease_token = $2 AND status = 'waiting'
"""

_NEXT_DUE: Final = """
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM mail WHERE status = 'waiting'
"""

_FORGET: Final = """
DELETE FROM mail WHERE status <> 'waiting' AND created_at < now() - $1::interval
"""

_HAS_ACCOUNT: Final = """
SELECT EXISTS (SELECT FROM shared_user WHERE lower(email) = lower($1) AND is_active)
"""


async def enqueue(
    tx: Transaction,
    mail_id: UUID,
    *,
    template: str,
    recipient: str,
    sealed: bytes,
    useless_after: datetime | None,
    wait_s: float = 0.0,
) -> None:
    """Put a mail into the queue in the caller's transaction."""
    await tx.connection.execute(
        _ENQUEUE, mail_id, template, recipient, sealed, useless_after, wait_s
    )


async def claim(database: Database, most: int) -> list[Row]:
    """Take up to `most` due mails for `LEASE_S`."""
    return await database.pool.fetch(_CLAIM, most, float(LEASE_S))


async def end(
    database: Database, mail_id: UUID, token: int, status: MailStatus, error: str = ""
) -> None:
    """Close a mail that this lease holds; what was in it is gone."""
    await database.pool.execute(_END, mail_id, token, status.value, error[:500])


async def retry(
    database: Database, mail_id: UUID, token: int, pause: timedelta, error: str
) -> None:
    """Put a mail that this lease holds back into the queue."""
    await database.pool.execute(_RETRY, mail_id, token, pause, error[:500])


async def next_due_s(database: Database) -> float | None:
    """Seconds until a mail is due; None while none waits."""
    due: Any = await database.pool.fetchval(_NEXT_DUE)
    return None if due is None else float(due)


async def forget(database: Database, age: timedelta) -> None:
    """Delete ended mails older than `age`."""
    await database.pool.execute(_FORGET, age)


async def has_account(database: Database, email: str) -> bool:
    """Whether an active account has this address, in any case."""
    return bool(await database.pool.fetchval(_HAS_ACCOUNT, email))
