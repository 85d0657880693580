"""Endpoints as everybody reads them: pages, APIs, banners. Plain SQL, frozen rows.

Always of one organization and environment, which are part of each question.
"""

# What is put together here are constants of `waiting` and `state_sql`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.errors import NotFound
from privata.core.ids import uuid_or_none
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.webhooks.outcomes import Outcome
from privata.webhooks.state_sql import EXHAUSTED
from privata.webhooks.states import EndpointStatus
from privata.webhooks.waiting import waiting

#: Secrets that are named, the newest ones.
MOST_SECRETS: Final = 10


@dataclass(frozen=True, slots=True)
class Partition:
    """Whose: a tenant's, of all its endpoints or of one."""

    organization_id: UUID
    environment: Environment
    endpoint_id: UUID | None = None

    @property
    def scope(self) -> tuple[UUID, str]:
        """The first two parameters of every statement on a tenant's rows."""
        return self.organization_id, self.environment.value


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint; `models.Endpoint` says what the columns mean.

    `secret_hint` begins the secret that signs, of a deleted one the last that did;
    `old_secret_expires_at` is set while two of them sign.
    """

    id: UUID
    environment: str
    channel: str
    alias: str
    url: str
    dialect: str
    event_filter: list[str] | None
    status: EndpointStatus
    paused_at: datetime | None
    paused_reason: str | None
    paused_by: str | None
    failures: tuple[datetime, ...]
    last_error: str | None
    strict_ordering: bool
    schedule_s: list[int] | None
    pace_per_s: int
    resumed_by: str | None
    waiting_at_resume: int | None
    probe_until: datetime | None
    probed_at: datetime | None
    flush_tokens_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    secret_hint: str | None
    old_secret_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundEndpoint:
    """An endpoint as a search lists it."""

    id: UUID
    alias: str
    url: str


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A signing secret, sealed; without `expires_at` it is the current one."""

    id: UUID
    sealed: bytes
    hint: str
    created_at: datetime
    expires_at: datetime | None


_ENDPOINTS: Final = """
SELECT e.id, e.environment, e.channel, e.alias, e.url, e.dialect, e.event_filter, e.status,
       e.paused_at, e.paused_reason, e.paused_by, e.failures, e.last_error, e.strict_ordering,
       e.schedule_s, e.pace_per_s, e.resumed_by, e.waiting_at_resume, e.probe_until, e.probed_at,
       e.flush_tokens_at, e.deleted_at, e.created_at, e.updated_at,
       current.hint AS secret_hint, old.expires_at AS old_secret_expires_at
FROM webhook_endpoint AS e
LEFT JOIN LATERAL (
    SELECT s.hint FROM webhook_secret AS s
    WHERE s.organization_id = $1 AND s.environment = $2 AND s.endpoint_id = e.id
      AND (s.expires_at IS NULL OR e.deleted_at IS NOT NULL)
    ORDER BY s.created_at DESC LIMIT 1
) AS current ON true
LEFT JOIN LATERAL (
    SELECT max(s.expires_at) AS expires_at FROM webhook_secret AS s
    WHERE s.organization_id = $1 AND s.environment = $2 AND s.endpoint_id = e.id
      AND s.expires_at > now()
) AS old ON true
WHERE e.organization_id = $1 AND e.environment = $2 AND ($3::uuid IS NULL OR e.id = $3)
  AND (e.deleted_at IS NULL OR $4)
ORDER BY e.created_at, e.id
"""

_BY_STATUS: Final = """
SELECT id FROM webhook_endpoint
WHERE organization_id = $1 AND environment = $2 AND status = ANY ($3)
ORDER BY created_at, id
"""

_PAUSED: Final = f"""
SELECT count(*)::int FROM webhook_endpoint
WHERE organization_id = $1 AND environment = $2 AND status = '{EndpointStatus.PAUSED.value}'
"""

# An endpoint is pasted by its id, or a part of its name or URL is typed.
_FIND: Final = """
SELECT id, alias, url FROM webhook_endpoint
WHERE organization_id = $1 AND environment = $2 AND deleted_at IS NULL
  AND CASE WHEN $3::uuid IS NULL
      THEN position(lower($4) IN lower(alias)) > 0 OR position(lower($4) IN lower(url)) > 0
      ELSE id = $3 END
ORDER BY alias, id LIMIT $5
"""

_SECRETS: Final = """
SELECT s.id, s.sealed, s.hint, s.created_at, s.expires_at
FROM webhook_secret AS s
WHERE s.organization_id = $1 AND s.environment = $2 AND {which}
ORDER BY s.created_at DESC LIMIT {most}
"""

_VALID: Final = _SECRETS.format(
    which="s.endpoint_id = $3 AND (s.expires_at IS NULL OR s.expires_at > now())", most=MOST_SECRETS
)
_ALL_SECRETS: Final = _SECRETS.format(which="s.endpoint_id = $3", most=MOST_SECRETS)
_THESE_SECRETS: Final = _SECRETS.format(which="s.id = ANY ($3)", most="ALL")

_EXHAUSTED: Final = f"""
SELECT {EXHAUSTED} FROM webhook_endpoint AS e
WHERE e.organization_id = $1 AND e.environment = $2 AND e.id = $3
"""

_WAITING_FOR_US: Final = f"""
SELECT count(*)::int AS deliveries, (
    SELECT a.detail FROM webhook_attempt AS a
    WHERE a.organization_id = $1
      AND a.delivery_id = (array_agg(d.id ORDER BY d.last_attempt_at DESC))[1]
    ORDER BY a.lease_token DESC LIMIT 1
) AS said
FROM webhook_due AS d
WHERE d.organization_id = $1 AND d.environment = $2 AND d.endpoint_id = $3
  AND d.last_outcome = '{Outcome.INTERNAL.value}'
"""


async def endpoints(ctx: AppContext, partition: Partition) -> list[EndpointRow]:
    """The tenant's endpoints, oldest first, disabled ones too, without those that are deleted."""
    rows = await ctx.database.pool.fetch(_ENDPOINTS, *partition.scope, None, False)
    return [_endpoint(row) for row in rows]


async def endpoint(
    ctx: AppContext, partition: Partition, *, tx: Transaction | None = None, deleted: bool = False
) -> EndpointRow:
    """The endpoint of `partition`, as it stands in `tx` if given.

    `NotFound` if it is another tenant's, also when it is deleted unless those are asked for.
    """
    source = ctx.database.pool if tx is None else tx.connection
    row = None
    if partition.endpoint_id is not None:
        row = await source.fetchrow(_ENDPOINTS, *partition.scope, partition.endpoint_id, deleted)
    if row is None:
        raise NotFound("Endpoint not found.")
    return _endpoint(row)


async def paused_ids(ctx: AppContext, partition: Partition) -> list[UUID]:
    """Those that are paused or on their way back."""
    statuses = [EndpointStatus.PAUSED.value, EndpointStatus.RESUMING.value]
    rows = await ctx.database.pool.fetch(_BY_STATUS, *partition.scope, statuses)
    return [row["id"] for row in rows]


async def paused_count(ctx: AppContext, partition: Partition) -> int:
    """How many are paused, and not on their way back."""
    found: int = await ctx.database.pool.fetchval(_PAUSED, *partition.scope)
    return found


async def found_by(
    ctx: AppContext, partition: Partition, text: str, *, limit: int
) -> list[FoundEndpoint]:
    """Those whose id is `text`, or whose name or URL contains it, whatever the case; by name."""
    rows = await ctx.database.pool.fetch(_FIND, *partition.scope, uuid_or_none(text), text, limit)
    return [FoundEndpoint(*row) for row in rows]


async def waiting_of(
    ctx: AppContext, partition: Partition, endpoint_ids: Sequence[UUID], most: int | None = None
) -> dict[UUID, int]:
    """How many deliveries wait for each, counted no further than `most`.

    By the expression that says it in `webhook_resumed` and when resuming: there is one figure.
    """
    rows = await ctx.database.pool.fetch(
        f"SELECT e.id, {waiting(most)} AS waiting FROM webhook_endpoint AS e"
        " WHERE e.organization_id = $1 AND e.environment = $2 AND e.id = ANY ($3)",
        *partition.scope,
        list(endpoint_ids),
    )
    return {row["id"]: row["waiting"] for row in rows}


async def exhausted(ctx: AppContext, partition: Partition) -> int:
    """How many of its events were given up lately, so that resuming does not send them."""
    found: int | None = await ctx.database.pool.fetchval(
        _EXHAUSTED, *partition.scope, partition.endpoint_id
    )
    return found or 0


async def waiting_for_us(ctx: AppContext, partition: Partition) -> tuple[int, str]:
    """How many of its deliveries wait because of a fault of ours, and what was said of the last."""
    row = await ctx.database.pool.fetchrow(_WAITING_FOR_US, *partition.scope, partition.endpoint_id)
    assert row is not None
    return row["deliveries"], row["said"] or ""


async def valid_secrets(ctx: AppContext, partition: Partition) -> list[SecretRow]:
    """Those that sign now: the current one, and in a rotation before it the old one."""
    return (await _secrets(ctx, _VALID, partition, partition.endpoint_id))[::-1]


async def all_secrets(ctx: AppContext, partition: Partition) -> list[SecretRow]:
    """The secrets that sign or signed, newest first, at most `MOST_SECRETS`."""
    return await _secrets(ctx, _ALL_SECRETS, partition, partition.endpoint_id)


async def secrets_by_id(
    ctx: AppContext, partition: Partition, ids: Sequence[UUID]
) -> list[SecretRow]:
    """These secrets, oldest first: those an attempt was signed with."""
    return (await _secrets(ctx, _THESE_SECRETS, partition, list(ids)))[::-1]


async def _secrets(
    ctx: AppContext, statement: str, partition: Partition, which: UUID | list[UUID] | None
) -> list[SecretRow]:
    rows = await ctx.database.pool.fetch(statement, *partition.scope, which)
    return [
        SecretRow(
            id=row["id"],
            sealed=row["sealed"],
            hint=row["hint"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
        )
        for row in rows
    ]


def _endpoint(row: asyncpg.Record) -> EndpointRow:
    columns = dict(row)
    columns["status"] = EndpointStatus(row["status"])
    columns["failures"] = tuple(row["failures"])
    return EndpointRow(**columns)
