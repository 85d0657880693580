"""The audit log cannot be changed: not by the application's role, not by the tables' owner."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import pytest

from privata.audit import service as audit
from privata.audit.checkpoints import make_checkpoints
from privata.audit.tests.conftest import act
from privata.audit.verify import verify_chain
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext

_COLUMNS = "actor_kind, actor_id, actor_label, action, target"
_FORGED = "INSERT INTO audit_entry ({}, " + _COLUMNS + ") VALUES ({}, 'x', 'x', 'x', 'x', 'x')"
_MONTH = "audit_entry_{month}"

#: What is tried, and it must fail whoever tries.
ATTACKS = [
    "UPDATE audit_entry SET action = 'x'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "TRUNCATE audit_entry CASCADE",
    f"UPDATE {_MONTH} SET action = 'x'",
    f"DELETE FROM {_MONTH}",
    f"TRUNCATE {_MONTH}",
    "MERGE INTO audit_entry USING (SELECT 1) AS one ON true"
    " WHEN MATCHED THEN UPDATE SET action = 'x'",
    "MERGE INTO audit_entry USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM audit_entry RETURNING 1) SELECT count(*) FROM gone",
    # A time of one's own is refused before it is written, whoever inserts.
    _FORGED.format("at", "now() - interval '1 hour'"),
    "UPDATE audit_checkpoint SET seq = 0",
    "DELETE FROM audit_checkpoint",
    "TRUNCATE audit_checkpoint",
]

#: What only the application's role must fail at: the owner is trusted to change the schema, and
#: what an owner forges is found by the verification.
ATTACKS_OF_THE_APPLICATION = [
    # The rows, by other ways.
    "INSERT INTO audit_entry (id, at, actor_kind, actor_id, actor_label, action, target)"
    " SELECT id, at, 'x', 'x', 'x', 'x', 'x' FROM audit_entry"
    " ON CONFLICT (id, at) DO UPDATE SET action = 'x'",
    "SELECT FROM audit_entry FOR UPDATE",
    "LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE",
    f"INSERT INTO {_MONTH} ({_COLUMNS}) VALUES ('x', 'x', 'x', 'x', 'x')",
    # Forged numbers, hashes and times.
    _FORGED.format("id", "999"),
    _FORGED.format("seq", "1"),
    _FORGED.format("hash", "decode(repeat('00', 32), 'hex')"),
    _FORGED.format("previous_hash", "decode(repeat('00', 32), 'hex')"),
    _FORGED.format("at", "now()"),
    "SELECT setval('audit_entry_id', 1000)",
    "SELECT nextval('audit_entry_id')",
    # The head of the chain and the checkpoints.
    "UPDATE audit_head SET seq = 0",
    "DELETE FROM audit_head",
    "INSERT INTO audit_head VALUES (gen_random_uuid(), 1, '')",
    "TRUNCATE audit_head",
    "UPDATE audit_archived_run SET last_seq = 9",
    "INSERT INTO audit_archive (month, entries, file, digest) VALUES (now(), 0, '', '')",
    # The guards themselves.
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    f"ALTER TABLE {_MONTH} DISABLE TRIGGER USER",
    "DROP TRIGGER audit_entry_no_change ON audit_entry",
    "DROP TRIGGER audit_entry_seal ON audit_entry",
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "CREATE OR REPLACE FUNCTION audit_entry_seal() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION audit_refuse() CASCADE",
    "ALTER FUNCTION audit_entry_seal() SECURITY INVOKER",
    "ALTER FUNCTION audit_entry_seal() OWNER TO CURRENT_USER",
    "CREATE RULE gone AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON audit_entry"
    " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    # The chain moved on by a table of one's own that borrows the trigger.
    "CREATE TEMP TABLE mine (LIKE audit_entry);"
    " CREATE TRIGGER mine BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION audit_entry_seal()",
    # The table as a thing.
    "DROP TABLE audit_entry",
    f"DROP TABLE {_MONTH}",
    "ALTER TABLE audit_entry RENAME TO other",
    "ALTER TABLE audit_entry DROP COLUMN hash",
    "ALTER TABLE audit_entry ALTER COLUMN action SET DEFAULT 'x'",
    f"ALTER TABLE audit_entry DETACH PARTITION {_MONTH}",
    "CREATE TABLE mine PARTITION OF audit_entry DEFAULT",
    "ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY none ON audit_entry USING (false)",
    "SELECT audit_make_partition('2001-01-01')",
    "SELECT audit_detach_partition(now()::date, 0, '', '', true)",
    # Becoming somebody else.
    "SET ROLE privata_owner",
    "SET SESSION AUTHORIZATION privata_owner",
    "ALTER TABLE audit_entry OWNER TO CURRENT_USER",
    "GRANT privata_owner TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "COPY audit_entry TO PROGRAM 'cat'",
    "ALTER DATABASE privata OWNER TO CURRENT_USER",
    # The neighbours that are append-only as well.
    "UPDATE event SET body = ''",
    "DELETE FROM event",
    "TRUNCATE orders CASCADE",
    "CREATE TABLE mine (x int)",
    "DELETE FROM django_migrations",
]

#: Refused as well, but told in other words: there is nothing that could be granted.
_SILENT = ("GRANT UPDATE ON audit_entry TO CURRENT_USER",)


@pytest.fixture
async def chain(ctx: AppContext) -> uuid.UUID:
    """A chain of two entries and a checkpoint."""
    made = uuid.uuid4()
    await act(ctx, made, 1)
    await act(ctx, made, 2)
    assert await make_checkpoints(ctx) == 1
    return made


async def _month(connection: asyncpg.Connection | asyncpg.Pool) -> str:
    month: str = await connection.fetchval(
        "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY_MM') FROM audit_entry LIMIT 1"
    )
    return month


async def _refused(connection: Any, attack: str, words: str = "") -> None:
    """The database says no for want of a privilege, and for no other reason."""
    said: Exception | None = None
    try:
        async with connection.transaction():
            await connection.execute(attack)
    except asyncpg.PostgresError as error:
        said = error
    assert isinstance(said, asyncpg.InsufficientPrivilegeError), f"{attack}: {said!r}"
    assert words in str(said), f"{attack}: {said}"


def test_there_are_many_ways_to_try() -> None:
    assert len({*ATTACKS, *ATTACKS_OF_THE_APPLICATION}) >= 60


async def test_the_application_cannot(ctx: AppContext, chain: uuid.UUID) -> None:
    pool = ctx.database.pool
    before = await pool.fetch("SELECT * FROM audit_entry ORDER BY id")
    month = await _month(pool)
    async with pool.acquire() as connection:
        for attack in (*ATTACKS, *ATTACKS_OF_THE_APPLICATION):
            await _refused(connection, attack.replace("{month}", month))
    assert await pool.fetch("SELECT * FROM audit_entry ORDER BY id") == before
    assert (await verify_chain(ctx, chain)).last_seq == 2


async def test_the_application_cannot_copy_entries_in(ctx: AppContext, chain: uuid.UUID) -> None:
    async with ctx.database.pool.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.copy_records_to_table(
                "audit_entry",
                records=[(1, "x", "x", "x", "x", "x")],
                columns=["seq", *_COLUMNS.split(", ")],
            )


async def test_a_copied_entry_is_sealed_like_any_other(ctx: AppContext, chain: uuid.UUID) -> None:
    async with ctx.database.pool.acquire() as connection:
        await connection.copy_records_to_table(
            "audit_entry",
            records=[(chain, "x", "x", "x", "x", "x")],
            columns=["organization_id", *_COLUMNS.split(", ")],
        )
    verification = await verify_chain(ctx, chain)
    assert (verification.broken, verification.last_seq) == (None, 3)


async def test_nothing_is_granted_by_the_application(ctx: AppContext, chain: uuid.UUID) -> None:
    for attempt in _SILENT:
        try:
            await ctx.database.pool.execute(attempt)
        except asyncpg.PostgresError:
            continue  # refused aloud is as good
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ctx.database.pool.execute("UPDATE audit_entry SET action = 'x'")


async def test_a_temporary_table_does_not_take_the_heads_place(
    ctx: AppContext, chain: uuid.UUID
) -> None:
    actor = system_actor(chain, Environment.TEST, "tests")
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(
            "CREATE TEMP TABLE audit_head (chain uuid PRIMARY KEY, seq bigint, hash bytea)"
            " ON COMMIT DROP;"
            "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1';"
            "SET LOCAL search_path = pg_temp, public, pg_catalog"
        )
        await audit.record(tx, actor=actor, action="thing.done", target="it")
    verification = await verify_chain(ctx, chain)
    assert (verification.broken, verification.last_seq) == (None, 3)


async def test_the_owner_cannot_either(
    ctx: AppContext, chain: uuid.UUID, owner: asyncpg.Connection
) -> None:
    month = await _month(owner)
    for attack in ATTACKS:
        await _refused(owner, attack.replace("{month}", month), "audit entries")
    assert (await verify_chain(ctx, chain)).broken is None


async def test_an_owners_forged_number_and_hash_are_replaced(
    ctx: AppContext, chain: uuid.UUID, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        f"INSERT INTO audit_entry (organization_id, id, seq, hash, previous_hash, {_COLUMNS})"
        " VALUES ($1, 1, 1, $2, $2, 'x', 'x', 'x', 'x', 'x')",
        chain,
        bytes(32),
    )
    row = await owner.fetchrow("SELECT id, seq, hash FROM audit_entry ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert row["seq"] == 3
    assert row["id"] > 2
    assert row["hash"] != bytes(32)


async def test_an_entry_falls_with_its_act(ctx: AppContext) -> None:
    actor = system_actor(uuid.uuid4(), Environment.TEST, "tests")
    with pytest.raises(ZeroDivisionError):
        async with ctx.database.transaction() as tx:
            await audit.record(tx, actor=actor, action="thing.done", target="it")
            raise ZeroDivisionError
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM audit_entry") == 0
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM audit_head") == 0
