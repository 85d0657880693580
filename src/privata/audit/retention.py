"""Taking months out of the log that are older than two years: exported first, then detached.

It runs under a role of its own (docs/audit.md), which may read the log and call one function of
the database; the function itself refuses what is too recent and what the export does not cover.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg

from privata.audit.formats import ndjson_line
from privata.audit.reading import Entry
from privata.core.errors import StartupError
from privata.infra.database.connecting import connect
from privata.infra.settings import Settings

log = logging.getLogger(__name__)

#: Rows fetched at once.
CHUNK = 2000

# The bound is asked of the database, which also judges it when a month is detached.
_OLD = """
SELECT relid::regclass::text AS name,
       to_date(right(relid::regclass::text, 7), 'YYYY_MM') AS month
FROM pg_partition_tree('audit_entry')
WHERE isleaf
  AND (to_date(right(relid::regclass::text, 7), 'YYYY_MM') + interval '1 month')
      <= (now() AT TIME ZONE 'UTC') - interval '2 years'
ORDER BY month
"""

_ENTRIES = """
SELECT organization_id, seq, at, environment, actor_kind, actor_id, actor_label, action, target,
       host(ip) AS ip, user_agent, session, changes::text AS changes, previous_hash, hash
FROM audit_entry
WHERE at >= $1::date AND at < $1::date + interval '1 month'
ORDER BY organization_id NULLS FIRST, seq
"""


@dataclass(frozen=True, slots=True)
class Archived:
    """A month that left the log, and the file that has it."""

    month: date
    entries: int
    file: Path
    digest: str


async def retain(settings: Settings, folder: Path, *, remove: bool = False) -> list[Archived]:
    """Export and detach every month that is older than two years.

    A detached table stays in the database under its name, outside of the log; with `remove` it is
    dropped. `StartupError` without a retention URL, and where the folder cannot be written.
    """
    url = settings.database_retention_url
    if url is None:
        raise StartupError(
            "PRIVATA_DATABASE_RETENTION_URL is not set. Retention needs its own role"
            " (docs/audit.md)."
        )
    connection = await connect(url)
    try:
        months = [row["month"] for row in await connection.fetch(_OLD)]
        return [await _archive(connection, month, folder, remove=remove) for month in months]
    finally:
        await connection.close()


async def _archive(
    connection: asyncpg.Connection[asyncpg.Record], month: date, folder: Path, *, remove: bool
) -> Archived:
    file = folder / f"audit-{month:%Y-%m}.ndjson"
    lines: list[bytes] = []
    draft = folder / f".{file.name}.{secrets.token_hex(4)}"
    digest, count = hashlib.sha256(), 0
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                async for row in connection.cursor(_ENTRIES, month, prefetch=CHUNK):
                    lines.append(_line(row))
                    count += 1
                    if len(lines) == CHUNK:
                        _write(out.write, digest.update, lines)
                _write(out.write, digest.update, lines)
            out.flush()
            os.fsync(out.fileno())
        # The file is whole and has its name before anything leaves the database.
        draft.rename(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StartupError(f"{file} cannot be written: {error.strerror}.") from None
    await connection.execute(
        "SELECT audit_detach_partition($1, $2, $3, $4, $5)",
        month,
        count,
        file.name,
        digest.digest(),
        remove,
    )
    log.info("audit month %s archived: %d entries in %s", month, count, file)
    return Archived(month, count, file, digest.hexdigest())


def _write(
    out: Callable[[bytes], object], digest: Callable[[bytes], object], lines: list[bytes]
) -> None:
    """Write what has gathered, and forget it."""
    block = b"".join(lines)
    out(block)
    digest(block)
    lines.clear()


def _line(row: asyncpg.Record) -> bytes:
    values = dict(row)
    organization_id = values.pop("organization_id")
    return ndjson_line(organization_id, Entry(**values))
