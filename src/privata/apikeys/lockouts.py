"""Locking out who guesses keys: 5 answers INVALID_KEY within a minute end an address's access for
15 minutes (docs/authentication.md). An organization whose key's prefix was tried is told, and
told of the end.
"""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from privata.apikeys.rules import PREFIX_LENGTH
from privata.core.errors import InvalidKey, RateLimited, RequestError
from privata.core.tenancy import Environment
from privata.events.ops_events import api_key_locked, api_key_unlocked, publish_ops
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.http.proxies import source_of
from privata.infra.limits import FORGET

FAILURES: Final = 5
WINDOW: Final = timedelta(seconds=60)
LOCKED_FOR: Final = timedelta(minutes=15)

#: How often the ends of lockouts are looked for, seconds.
SWEEP_EVERY_S: Final = 5.0

#: Every so many looks, failures and buckets that no longer count are deleted.
FORGET_EVERY: Final = 12

#: One answer for every way a key can be wrong: nothing tells which it was.
INVALID: Final = (
    "The API key is missing, malformed, revoked, expired, or not allowed from your address."
)

# The row's lock counts failures that arrive together one by one, whatever process they came to.
_FAIL = """
WITH tried AS (
    SELECT DISTINCT k.organization_id || ':' || k.environment AS target
    FROM api_key_secret AS s JOIN api_key AS k ON k.id = s.key_id
    WHERE s.prefix = $2
)
INSERT INTO key_failure AS f (ip, failures, targets)
VALUES ($1::text::inet, ARRAY[clock_timestamp()], ARRAY(SELECT target FROM tried))
ON CONFLICT (ip) DO UPDATE SET (failures, targets) = (
    SELECT array_agg(at) || clock_timestamp(),
           CASE WHEN count(at) = 0 THEN excluded.targets
                ELSE ARRAY(SELECT unnest(f.targets) UNION SELECT unnest(excluded.targets)) END
    FROM unnest(f.failures) AS at WHERE at > clock_timestamp() - $3::interval)
RETURNING cardinality(failures) AS count, targets
"""

_END_OF = """
DELETE FROM key_lockout WHERE ip = $1::text::inet AND locked_until <= clock_timestamp()
RETURNING host(ip) AS ip, locked_at, targets
"""

_LOCK = """
INSERT INTO key_lockout (ip, locked_at, locked_until, targets)
VALUES ($1::text::inet, clock_timestamp(), clock_timestamp() + $2::interval, $3)
ON CONFLICT (ip) DO NOTHING
RETURNING locked_until
"""

_END_DUE = """
DELETE FROM key_lockout WHERE ip = ANY (ARRAY(
    SELECT ip FROM key_lockout WHERE locked_until <= clock_timestamp()
    LIMIT 100 FOR UPDATE SKIP LOCKED))
RETURNING host(ip) AS ip, locked_at, targets
"""

_FORGET = """
DELETE FROM key_failure
WHERE failures[cardinality(failures)] < clock_timestamp() - $1::interval
"""


def locked_out(until: datetime, now: datetime) -> RateLimited:
    """What a locked out address is told, whatever key it sends."""
    seconds = max(1, math.ceil((until - now).total_seconds()))
    return RateLimited(
        "Your IP address sent too many requests with an invalid API key and is locked out"
        f" for another {math.ceil(seconds / 60)} minutes.",
        headers={"Retry-After": str(seconds)},
    )


async def count_failure(ctx: AppContext, key: str | None, *, ip: str | None) -> RequestError:
    """Count a wrong key and give the answer: the fifth in a minute is the last INVALID_KEY."""
    source = source_of(ip)
    async with ctx.database.transaction() as tx:
        row = await tx.connection.fetchrow(_FAIL, source, (key or "")[:PREFIX_LENGTH], WINDOW)
        assert row is not None  # inserted or updated
        if row["count"] >= FAILURES:
            await _lock(ctx, tx, source, row["targets"])
    if row["count"] > FAILURES:
        # It passed the check for a lockout together with the one that caused it.
        now = ctx.clock.now()
        return locked_out(now + LOCKED_FOR, now)
    return InvalidKey(INVALID)


async def _lock(ctx: AppContext, tx: Transaction, source: str, targets: list[str]) -> None:
    # One that ran out and was not swept yet has to be told of before its row is used again.
    for ended in await tx.connection.fetch(_END_OF, source):
        await _tell_end(ctx, tx, ended["ip"], ended["locked_at"], ended["targets"])
    until = await tx.connection.fetchval(_LOCK, source, LOCKED_FOR, targets)
    if until is None:
        return
    now = ctx.clock.now()
    for organization_id, environment in map(_target, targets):
        event = api_key_locked(
            ip=source, environment=environment, now=now, locked_until=until, attempts=FAILURES
        )
        await publish_ops(tx, organization_id=organization_id, environment=environment, event=event)


async def end_lockouts(ctx: AppContext) -> None:
    """End what is due, tell the organizations, forget what no longer counts; until cancelled."""
    swept = 0
    while True:
        await end_due_lockouts(ctx)
        if swept % FORGET_EVERY == 0:
            await ctx.database.pool.execute(_FORGET, WINDOW)
            await ctx.database.pool.execute(FORGET)
        swept += 1
        await asyncio.sleep(SWEEP_EVERY_S)


async def end_due_lockouts(ctx: AppContext) -> int:
    """End the lockouts that ran out; how many. Any number of workers may do so."""
    async with ctx.database.transaction() as tx:
        ended = await tx.connection.fetch(_END_DUE)
        for row in ended:
            await _tell_end(ctx, tx, row["ip"], row["locked_at"], row["targets"])
    return len(ended)


async def _tell_end(
    ctx: AppContext, tx: Transaction, ip: str, locked_at: datetime, targets: list[str]
) -> None:
    now = ctx.clock.now()
    for organization_id, environment in map(_target, targets):
        event = api_key_unlocked(
            organization_id=organization_id,
            ip=ip,
            environment=environment,
            now=now,
            locked_at=locked_at,
        )
        await publish_ops(tx, organization_id=organization_id, environment=environment, event=event)


def _target(text: str) -> tuple[UUID, Environment]:
    organization_id, _, environment = text.partition(":")
    return UUID(organization_id), Environment(environment)
