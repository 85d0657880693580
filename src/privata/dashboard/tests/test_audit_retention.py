"""Old months leave the log through a role of its own, after their export, and the chain holds."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from conftest import Cluster
from privata.audit.retention import retain
from privata.audit.tests.conftest import act
from privata.audit.verify import verify_chain
from privata.core.errors import StartupError
from privata.dashboard.schema.grants import RETENTION_ROLE, grant
from privata.infra.context import AppContext
from privata.infra.settings import Settings

_AGE = """
UPDATE audit_entry SET at = '2021-03-30 10:00+00' WHERE seq <= 3;
UPDATE audit_entry SET at = '2021-04-01 00:00+00' WHERE seq = 4;
UPDATE audit_entry SET at = '2021-03-31 23:59:59+00' WHERE seq = 5;
"""

# What time would have made by itself: the chain over the aged entries.
_RECHAIN = """
DO $$
DECLARE
    one audit_entry;
    before bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR one IN SELECT * FROM audit_entry ORDER BY seq LOOP
        UPDATE audit_entry SET previous_hash = before, hash = audit_entry_hash(
            one.organization_id, one.seq, before, one.at, one.environment, one.actor_kind,
            one.actor_id, one.actor_label, one.action, one.target, one.ip, one.user_agent,
            one.session, one.changes)
        WHERE id = one.id AND at = one.at RETURNING hash INTO before;
    END LOOP;
    UPDATE audit_head SET hash = before;
END
$$
"""


@pytest.fixture
async def aged(
    ctx: AppContext, superuser: asyncpg.Connection, owner: asyncpg.Connection
) -> uuid.UUID:
    """A chain of seven: five entries of 2021, one of them on either side of a month's end."""
    organization_id = uuid.uuid4()
    for number in range(1, 8):
        await act(ctx, organization_id, number)
    await owner.execute("SELECT audit_make_partition(d::date)"
                        " FROM unnest(ARRAY['2021-03-01', '2021-04-01']) AS d")  # fmt: skip
    await superuser.execute(_AGE)
    await superuser.execute(_RECHAIN)
    assert (await verify_chain(ctx, organization_id)).broken is None
    return organization_id


@pytest.fixture
async def retention(
    settings: Settings, cluster: Cluster, database_name: str, superuser: asyncpg.Connection
) -> AsyncIterator[Settings]:
    """Settings with the role of retention, which has its grants."""
    known = await superuser.fetchval(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", RETENTION_ROLE
    )
    if not known:
        await superuser.execute(f"CREATE ROLE {RETENTION_ROLE} LOGIN")
    grant(cluster.owner(database_name), "privata_app")
    url = cluster.app(database_name).replace("privata_app@", f"{RETENTION_ROLE}@")
    yield settings.model_copy(update={"database_retention_url": url})
    await superuser.execute(f"DROP OWNED BY {RETENTION_ROLE}")


async def test_old_months_are_exported_and_detached(
    ctx: AppContext, aged: uuid.UUID, retention: Settings, tmp_path: Path
) -> None:
    archived = await retain(retention, tmp_path)
    assert [(f"{one.month:%Y-%m}", one.entries) for one in archived] == [
        ("2021-03", 4),
        ("2021-04", 1),
    ]
    lines = archived[0].file.read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 5]
    assert hashlib.sha256(archived[0].file.read_bytes()).hexdigest() == archived[0].digest
    assert json.loads(lines[0])["changes"]["word"] == "Käse, «ja»"
    left = await ctx.database.pool.fetch("SELECT seq FROM audit_entry ORDER BY seq")
    assert [row["seq"] for row in left] == [6, 7]
    verification = await verify_chain(ctx, aged)
    assert (verification.broken, verification.entries, verification.last_seq) == (None, 2, 7)
    assert await retain(retention, tmp_path) == []


async def test_a_detached_month_is_kept_apart_or_dropped(
    ctx: AppContext, aged: uuid.UUID, retention: Settings, tmp_path: Path
) -> None:
    await retain(retention, tmp_path, remove=True)
    gone = await ctx.database.pool.fetchval("SELECT to_regclass('audit_entry_2021_03')")
    assert gone is None


async def test_a_change_before_the_archive_is_found_behind_it(
    ctx: AppContext,
    aged: uuid.UUID,
    retention: Settings,
    superuser: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    await retain(retention, tmp_path)
    await superuser.execute("DELETE FROM audit_entry WHERE seq = 6")
    broken = (await verify_chain(ctx, aged)).broken
    assert broken is not None
    assert broken.seq == 6


async def test_the_role_may_do_nothing_else(
    ctx: AppContext, aged: uuid.UUID, retention: Settings
) -> None:
    connection = await asyncpg.connect(retention.database_retention_url)
    try:
        for attempt in (
            "DELETE FROM audit_entry",
            "UPDATE audit_entry SET action = 'x'",
            "TRUNCATE audit_entry_2021_03",
            "ALTER TABLE audit_entry DETACH PARTITION audit_entry_2021_03",
            "DROP TABLE audit_entry_2021_03",
            "SELECT * FROM api_key_secret",
            "SELECT * FROM app_user",
            "INSERT INTO audit_archive (month, entries, file, digest) VALUES (now(), 0, '', '')",
            # Within two years, and without the export.
            "SELECT audit_detach_partition(now()::date, 2, 'x', '', true)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(attempt)
        with pytest.raises(asyncpg.DataError, match="the export of 2021-03-01 has 3 entries"):
            await connection.execute(
                "SELECT audit_detach_partition('2021-03-31', 3, 'x', '', true)"
            )
    finally:
        await connection.close()
    assert (await verify_chain(ctx, aged)).broken is None


async def test_without_its_role_nothing_is_retained(
    settings: Settings, retention: Settings, tmp_path: Path, aged: uuid.UUID
) -> None:
    with pytest.raises(StartupError, match="PRIVATA_DATABASE_RETENTION_URL"):
        await retain(settings, tmp_path)
    with pytest.raises(StartupError, match="cannot be written"):
        await retain(retention, tmp_path / "missing")


async def test_months_are_made_ahead_by_any_number_of_workers(
    ctx: AppContext, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        "DO $$ BEGIN EXECUTE 'DROP TABLE audit_entry_'"
        " || to_char(now() + interval '3 months', 'YYYY_MM'); END $$"
    )
    make = "SELECT audit_make_partitions()"
    assert sorted([await ctx.database.pool.fetchval(make) for _ in range(2)]) == [0, 1]
    ahead = await ctx.database.pool.fetchval(
        "SELECT count(*) FROM pg_partition_tree('audit_entry') WHERE isleaf"
    )
    assert ahead == 13
