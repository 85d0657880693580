"""`Idempotency-Key`: one effect per key, the same answer again (docs/errors.md).

A call first claims its key, then works, then stores its answer in the transaction of its effect.
Whoever finds the key claimed waits a little. A claim whose owner died can be taken over when its
lock has run out; the lock's time is the fence: an owner that lost it can no longer store anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar
from uuid import UUID

import asyncpg

from privata.core.errors import IdempotencyConflict
from privata.core.tenancy import Environment
from privata.infra.database.postgres import Transaction
from privata.infra.http.json_bodies import canonical

#: How long a first call may work before another may take its place, seconds.
LOCK_S = 30

#: How long an answer is kept; the statement below says the same.
KEPT_FOR = timedelta(hours=24)

#: How long a second call waits for the first one's answer before it gets 409, seconds.
WAIT_S = 10.0
_POLL_S = 0.05

MAX_KEY_LENGTH = 255

R = TypeVar("R")

#: What a service calls with its result at the end of its transaction: the caller stores its answer.
Keep: TypeAlias = Callable[[Transaction, R], Awaitable[None]]

_CLAIM = """
INSERT INTO idempotency_key (organization_id, environment, key, request_digest, locked_until)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
ON CONFLICT (organization_id, environment, key) DO UPDATE
SET request_digest = excluded.request_digest, locked_until = excluded.locked_until,
    status_code = NULL, body = NULL, created_at = now()
WHERE idempotency_key.created_at < now() - interval '24 hours'
   OR (idempotency_key.status_code IS NULL AND idempotency_key.locked_until < now()
       AND idempotency_key.request_digest = excluded.request_digest)
RETURNING organization_id, environment, key, locked_until
"""

_LOOK = """
SELECT request_digest, status_code, body FROM idempotency_key
WHERE organization_id = $1 AND environment = $2 AND key = $3
"""

_FINISH = """
UPDATE idempotency_key SET status_code = $5, body = $6
WHERE organization_id = $1 AND environment = $2 AND key = $3 AND locked_until = $4
  AND status_code IS NULL
RETURNING key
"""

_RELEASE = """
DELETE FROM idempotency_key
WHERE organization_id = $1 AND environment = $2 AND key = $3 AND locked_until = $4
  AND status_code IS NULL
"""


# A claim takes no notice of these either. In the order of the index; workers skip each other's.
_FORGET = """
WITH old AS MATERIALIZED (
    SELECT organization_id, environment, key FROM idempotency_key
    WHERE created_at < now() - $1::interval
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM idempotency_key AS kept USING old
WHERE kept.organization_id = old.organization_id AND kept.environment = old.environment
  AND kept.key = old.key
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to execute the call of one key, until `locked_until`."""

    organization_id: UUID
    environment: str
    key: str
    locked_until: datetime

    @property
    def its(self) -> tuple[UUID, str, str, datetime]:
        """The first four parameters of what may still be done with it."""
        return self.organization_id, self.environment, self.key, self.locked_until


@dataclass(frozen=True, slots=True)
class Replay:
    """What the first call answered."""

    status_code: int
    body: bytes


def request_digest(method: str, path: str, query: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """What makes two calls the same: what they mean, and not how it is written.

    Libraries order keys, escape letters and write numbers as they like, and may do so differently
    for the retry. No two things of ours differ in the letters' case of their paths alone. `body`
    is JSON that `check_json` let pass, or nothing.
    """
    head = json.dumps([method, path.lower(), sorted(query)])
    return hashlib.sha256(head.encode() + b"\n" + canonical(body)).digest()


async def claim(
    pool: asyncpg.Pool[asyncpg.Record],
    organization_id: UUID,
    environment: Environment,
    key: str,
    digest: bytes,
) -> Claim | Replay:
    """Claim the key, or get the first call's answer.

    `IdempotencyConflict` if the key was used for another request, or if the first call is still
    at work after `WAIT_S` seconds.
    """
    where = (organization_id, environment.value, key)
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while True:
        row = await pool.fetchrow(_CLAIM, *where, digest, LOCK_S)
        if row is not None:
            return Claim(*row)
        held = await pool.fetchrow(_LOOK, *where)
        if held is not None:
            if held["request_digest"] != digest:
                raise IdempotencyConflict(
                    "This Idempotency-Key was already used for a different request."
                )
            if held["status_code"] is not None:
                return Replay(held["status_code"], held["body"])
        # Either the first call is at work, or it has just released the key after an error.
        if asyncio.get_running_loop().time() > deadline:
            raise IdempotencyConflict(
                "A request with this Idempotency-Key is still in progress. Try again shortly.",
                headers={"Retry-After": "1"},
            )
        await asyncio.sleep(_POLL_S)


async def finish(tx: Transaction, held: Claim, *, status_code: int, body: bytes) -> None:
    """Store the answer in the transaction of the effect; undoes it if the claim was lost."""
    row = await tx.connection.fetchval(_FINISH, *held.its, status_code, body)
    if row is None:
        raise IdempotencyConflict(
            "Another request with this Idempotency-Key finished first. Try again."
        )


async def release(pool: asyncpg.Pool[asyncpg.Record], held: Claim) -> None:
    """Forget a call that had no effect, so that the key can be used for the corrected one."""
    await pool.execute(_RELEASE, *held.its)


async def forget_old(pool: asyncpg.Pool[asyncpg.Record], limit: int) -> int:
    """Remove keys whose answer is kept no longer, `limit` at most; how many."""
    return int((await pool.execute(_FORGET, KEPT_FOR, limit)).rpartition(" ")[2])
