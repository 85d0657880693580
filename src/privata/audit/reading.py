"""Reading the audit log of one organization.

The log belongs to the organization as a whole: its entries of both environments are read together,
and each carries its own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from privata.audit.filters import AuditFilter, where
from privata.core.errors import NotFound
from privata.infra.context import AppContext

#: Entries of one page.
PAGE = 50

#: Entries read at once for an export.
CHUNK = 1000

_COLUMNS = """
    seq, at, environment, actor_kind, actor_id, actor_label, action, target, host(ip) AS ip,
    user_agent, session, changes::text AS changes, previous_hash, hash
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `changes` is its JSON as text."""

    seq: int
    at: datetime
    environment: str | None
    actor_kind: str
    actor_id: str
    actor_label: str
    action: str
    target: str
    ip: str | None
    user_agent: str
    session: str
    changes: str | None
    previous_hash: bytes
    hash: bytes

    @property
    def fields(self) -> list[tuple[str, Any, Any]]:
        """Each changed field with what it was (None: not noted) and what it became."""
        changes = json.loads(self.changes) if self.changes else {}
        return [(name, *_sides(value)) for name, value in changes.items()]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries from the newest on; `newer` and `older` are the numbers to go on from."""

    entries: list[Entry]
    newer: int | None
    older: int | None


async def page_of(
    ctx: AppContext,
    organization_id: UUID,
    wanted: AuditFilter,
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = PAGE,
) -> Page:
    """A page of entries older than number `before`, or newer than `after`, newest first."""
    condition, values = where(organization_id, wanted)
    backwards = after is not None
    if before is not None or after is not None:
        values.append(after if backwards else before)
        condition += f" AND seq {'>' if backwards else '<'} ${len(values)}"
    statement = (
        f"SELECT {_COLUMNS} FROM audit_entry WHERE {condition}"  # noqa: S608 - our own words
        f" ORDER BY seq {'ASC' if backwards else 'DESC'} LIMIT {size + 1}"
    )
    rows = await ctx.database.pool.fetch(statement, *values)
    more, entries = len(rows) > size, [_entry(row) for row in rows[:size]]
    if backwards:
        entries.reverse()
    if not entries:
        return Page([], None, None)
    newer = entries[0].seq if (more if backwards else before is not None) else None
    older = entries[-1].seq if (more or backwards) else None
    return Page(entries, newer, older)


async def entry_of(ctx: AppContext, organization_id: UUID, seq: int) -> Entry:
    """One entry by its number; `NotFound` if the organization's chain has none."""
    row = await ctx.database.pool.fetchrow(
        f"SELECT {_COLUMNS} FROM audit_entry WHERE organization_id = $1 AND seq = $2",  # noqa: S608
        organization_id,
        seq,
    )
    if row is None:
        raise NotFound("Entry not found.")
    return _entry(row)


async def actions_of(ctx: AppContext, organization_id: UUID) -> list[str]:
    """The action codes that occur, for the filter to offer."""
    rows = await ctx.database.pool.fetch(
        "SELECT DISTINCT action FROM audit_entry WHERE organization_id = $1 ORDER BY action",
        organization_id,
    )
    return [row["action"] for row in rows]


async def every_entry(
    ctx: AppContext, organization_id: UUID, wanted: AuditFilter, *, up_to: int
) -> AsyncIterator[list[Entry]]:
    """All entries that match, oldest first, up to number `up_to`, in chunks.

    A connection is held only while a chunk is read: a slow reader holds up nobody.
    """
    condition, values = where(organization_id, wanted)
    place = len(values)
    statement = (
        f"SELECT {_COLUMNS} FROM audit_entry WHERE {condition}"  # noqa: S608 - our own words
        f" AND seq > ${place + 1} AND seq <= ${place + 2} ORDER BY seq LIMIT {CHUNK}"
    )
    last = 0
    while rows := await ctx.database.pool.fetch(statement, *values, last, up_to):
        yield [_entry(row) for row in rows]
        last = rows[-1]["seq"]


async def last_number(ctx: AppContext, organization_id: UUID) -> int:
    """The number of the chain's last entry; 0 for an empty one."""
    found: int | None = await ctx.database.pool.fetchval(
        "SELECT seq FROM audit_head WHERE chain = $1", organization_id
    )
    return found or 0


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(**dict(row))


def _sides(value: Any) -> tuple[Any, Any]:
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return value["before"], value["after"]
    return None, value
