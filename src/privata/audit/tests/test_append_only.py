"""The audit log cannot be changed: not by the application's role, not by the tables' owner."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from privata.audit import service as audit
from privata.core.tenancy import Environment, system_actor
from privata.infra.kernel import Kernel
from privata.infra.settings import Settings

#: What is tried, and it must fail whoever tries; the last four only as the application's role.
ATTACKS = [
    "UPDATE audit_entry SET action = 'x'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "TRUNCATE audit_entry CASCADE",
    "INSERT INTO audit_entry (id, actor_kind, actor_id, actor_label, action, target)"
    " OVERRIDING SYSTEM VALUE SELECT id, 'x', 'x', 'x', 'x', 'x' FROM audit_entry"
    " ON CONFLICT (id) DO UPDATE SET action = 'x'",
]
ATTACKS_OF_THE_APPLICATION = [
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_entry_no_change ON audit_entry",
    "DROP TABLE audit_entry",
    "SET session_replication_role = replica",
    "INSERT INTO audit_entry (id, actor_kind, actor_id, actor_label, action, target)"
    " OVERRIDING SYSTEM VALUE VALUES (999, 'x', 'x', 'x', 'x', 'x')",
    "SELECT setval('audit_entry_id_seq', 1000)",
    "UPDATE event SET body = ''",
    "DELETE FROM event",
    "TRUNCATE orders CASCADE",
    "CREATE TABLE mine (x int)",
    "DELETE FROM django_migrations",
]


@pytest.fixture
async def entry(kernel: Kernel) -> int:
    actor = system_actor(uuid.uuid4(), Environment.TEST, "tests")
    async with kernel.database.transaction() as tx:
        await audit.record(tx, actor=actor, action="thing.done", target="it", changes={"a": 1})
    found: int = await kernel.database.pool.fetchval("SELECT id FROM audit_entry")
    return found


@pytest.mark.parametrize("attack", [*ATTACKS, *ATTACKS_OF_THE_APPLICATION])
async def test_the_application_cannot(kernel: Kernel, entry: int, attack: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await kernel.database.pool.execute(attack)
    row = await kernel.database.pool.fetchrow("SELECT * FROM audit_entry")
    assert (row["id"], row["action"], row["changes"]) == (entry, "thing.done", '{"a": 1}')


@pytest.mark.parametrize("attack", ATTACKS)
async def test_the_owner_cannot_either(
    kernel: Kernel, entry: int, settings: Settings, attack: str
) -> None:
    owner = await asyncpg.connect(settings.database_owner_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(attack)
    finally:
        await owner.close()
    assert await kernel.database.pool.fetchval("SELECT action FROM audit_entry") == "thing.done"


async def test_an_entry_falls_with_its_act(kernel: Kernel) -> None:
    actor = system_actor(uuid.uuid4(), Environment.TEST, "tests")
    with pytest.raises(ZeroDivisionError):
        async with kernel.database.transaction() as tx:
            await audit.record(tx, actor=actor, action="thing.done", target="it")
            raise ZeroDivisionError
    assert await kernel.database.pool.fetchval("SELECT count(*) FROM audit_entry") == 0
