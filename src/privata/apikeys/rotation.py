"""Replacing a key's secret: both work for five minutes, then only the new (docs/authentication.md).

The end of a secret is a time in its row, judged by the database at every call. No job has to run
for an old secret to stop, and no page has to stay open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from privata.apikeys.makers import maker_of, reach_of
from privata.apikeys.reach import refuse_secret_beyond
from privata.apikeys.rules import LAST_SHOWN, PREFIX_LENGTH, mint_key
from privata.apikeys.write_access import locked_key, locked_working_key, note
from privata.audit.service import changed
from privata.core.errors import RotationInProgress
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction

#: For so long the old secret works beside the new one.
ROTATION_WINDOW: Final = timedelta(minutes=5)

# Times are those of the statement: a transaction that waited for the key's lock began long ago.
_OPEN_UNTIL: Final = """
SELECT max(dead_at) FROM api_key_secret WHERE key_id = $1 AND dead_at > statement_timestamp()
"""

_END: Final = """
UPDATE api_key_secret SET dead_at = statement_timestamp() + $2
WHERE key_id = $1 AND dead_at IS NULL
RETURNING dead_at, prefix
"""

_INSERT: Final = """
INSERT INTO api_key_secret (key_id, prefix, last_four, digest, created_at, maker_id, by_operator,
                            digest_key)
VALUES ($1, $2, $3, $4, statement_timestamp(), $5, $6, $7)
"""

_END_NOW: Final = """
UPDATE api_key_secret SET dead_at = statement_timestamp()
WHERE key_id = $1 AND dead_at > statement_timestamp()
RETURNING prefix
"""


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """The new secret, shown this once; until when the old one works as well."""

    key: str
    old_dead_at: datetime


async def rotate_key(ctx: AppContext, *, actor: Actor, key_id: UUID) -> RotatedKey:
    """Give the key a new secret; the old one works for `ROTATION_WINDOW` beside it.

    Name, scopes, addresses and expiry stay. `NotFound`; `RotationInProgress` while two work;
    `ValidationFailed` for a key that has ended, and for one whose scopes the actor's role does not
    reach: a new secret would hand them over.
    """
    async with ctx.database.transaction() as tx:
        # The key's lock lets two rotations take turns: the second sees the first's window.
        role = await reach_of(tx, actor)
        row = await locked_working_key(ctx, tx, actor, key_id)
        refuse_secret_beyond(role, row["scopes"])
        await _refuse_within_window(tx, key_id)
        ended = await tx.connection.fetchrow(_END, key_id, ROTATION_WINDOW)
        assert ended is not None, "every key has a current secret"
        key = mint_key(actor.environment)
        prefix, digest = key[:PREFIX_LENGTH], ctx.sealer.digest(key)
        maker = maker_of(actor)
        await tx.connection.execute(
            _INSERT,
            key_id,
            prefix,
            key[-LAST_SHOWN:],
            digest,
            maker.user_id,
            maker.by_operator,
            ctx.sealer.marks[0].name,
        )
        changes = {"name": row["name"], "prefix": changed(ended["prefix"], prefix)}
        await note(tx, actor, "api_key.rotated", key_id, changes)
    return RotatedKey(key, ended["dead_at"])


async def end_old_secret(ctx: AppContext, *, actor: Actor, key_id: UUID) -> bool:
    """End a rotation's window: only the new secret works from now on. False if none was open."""
    async with ctx.database.transaction() as tx:
        row = await locked_key(tx, actor, key_id)
        ended: str | None = await tx.connection.fetchval(_END_NOW, key_id)
        if ended is not None:
            changes = {"name": row["name"], "prefix": ended}
            await note(tx, actor, "api_key.old_secret_ended", key_id, changes)
    return ended is not None


async def _refuse_within_window(tx: Transaction, key_id: UUID) -> None:
    until: datetime | None = await tx.connection.fetchval(_OPEN_UNTIL, key_id)
    if until is not None:
        raise RotationInProgress(until)
