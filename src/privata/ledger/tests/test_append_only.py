"""The ledger cannot be changed: not by the application's role, not by the tables' owner."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import pytest

from privata.infra.context import AppContext
from privata.ledger.tests.books import earn, give, held
from privata.ledger.tests.test_service import holding
from privata.ledger.verify import verify

_LOGS = ("ledger_entry", "ledger_posting", "ledger_earning")

#: What is tried, and it must fail whoever tries.
ATTACKS = [
    "UPDATE ledger_entry SET reason = 'x'",
    "UPDATE ledger_entry SET postings = 9",
    "UPDATE ledger_posting SET amount = amount * 2",
    "UPDATE ledger_earning SET share = share + 1",
    "UPDATE ledger_account SET balance = balance + 1 WHERE name = 'available'",
    "INSERT INTO ledger_account (organization_id, name, balance)"
    " SELECT gen_random_uuid(), 'available', 5",
    *(f"DELETE FROM {table}" for table in (*_LOGS, "ledger_account")),
    *(f"TRUNCATE {table} CASCADE" for table in (*_LOGS, "ledger_account")),
    "WITH gone AS (DELETE FROM ledger_posting RETURNING 1) SELECT count(*) FROM gone",
    "MERGE INTO ledger_posting USING (SELECT 1) AS one ON true"
    " WHEN MATCHED THEN UPDATE SET amount = 1",
]

#: What the owner could do, and the application's role cannot.
ATTACKS_OF_THE_APPLICATION = [
    "INSERT INTO ledger_entry (id, organization_id, kind, cause_id, step, postings)"
    " SELECT 999, organization_id, 'payout', 'x', 'x', 2 FROM ledger_entry LIMIT 1",
    "INSERT INTO ledger_entry (at, organization_id, kind, cause_id, step, postings)"
    " SELECT '2020-01-01', organization_id, 'payout', 'x', 'x', 2 FROM ledger_entry LIMIT 1",
    "INSERT INTO ledger_posting SELECT * FROM ledger_posting"
    " ON CONFLICT (entry_id, account) DO UPDATE SET amount = 1",
    "SELECT FROM ledger_entry FOR UPDATE",
    "SELECT FROM ledger_account FOR UPDATE",
    "LOCK TABLE ledger_posting IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_entry DISABLE TRIGGER USER",
    "DROP TRIGGER ledger_posting_book ON ledger_posting",
    "DROP TRIGGER ledger_entry_balanced ON ledger_entry",
    "DROP FUNCTION ledger_refuse() CASCADE",
    "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "ALTER TABLE ledger_account DROP CONSTRAINT ledger_available_covers",
    "SET session_replication_role = replica",
    # The balances moved by a table of one's own that borrows the trigger.
    "CREATE TEMP TABLE mine (LIKE ledger_posting);"
    " CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_book()",
    "DROP TABLE ledger_entry CASCADE",
    "ALTER TABLE ledger_posting RENAME TO other",
    "SET ROLE privata_owner",
]

_ENTRY = (
    "WITH entry AS (INSERT INTO ledger_entry (organization_id, kind, cause_id, step, postings)"
    " VALUES ('{organization}', 'correction', 'forged', 'x', {many}) RETURNING id)"
)
_INTO = " INSERT INTO ledger_posting (entry_id, account, amount) SELECT entry.id, p.* FROM entry,"

#: Entries that are not balanced, each refused with the name of the rule.
UNBALANCED = [
    ("ledger_entry_balanced", _ENTRY.format(many=2, organization="{o}") + " SELECT id FROM entry"),
    (
        "ledger_entry_postings",
        _ENTRY.format(many=1, organization="{o}")
        + f"{_INTO} (VALUES ('available', 5::numeric)) AS p(a, v)",
    ),
    *(
        (rule, _ENTRY.format(many=2, organization="{o}") + f"{_INTO} (VALUES {rows}) AS p(a, v)")
        for rule, rows in (
            ("ledger_entry_balanced", "('available', 5::numeric)"),
            ("ledger_entry_balanced", "('available', 5::numeric), ('corrections', -4.99999999)"),
            ("ledger_posting_amount", "('available', 0::numeric), ('corrections', 0)"),
            ("ledger_posting_amount", "('available', 'NaN'::numeric), ('corrections', 5)"),
            ("ledger_posting_account", "('mine', 5::numeric), ('corrections', -5)"),
            ("ledger_available_covers", "('available', -5::numeric), ('corrections', 5)"),
            ("ledger_account_covers", "('paid', -5::numeric), ('corrections', 5)"),
            (
                "ledger_entry_whole",
                "('available', 5::numeric), ('corrections', -4), ('rounding', -1)",
            ),
        )
    ),
    # Further postings of an entry that is whole, balanced in themselves.
    (
        "ledger_entry_whole",
        "INSERT INTO ledger_posting (entry_id, account, amount)"
        " SELECT max(id), p.* FROM ledger_entry,"
        " (VALUES ('paid', 7::numeric), ('commission', -7)) AS p(a, v) GROUP BY p.a, p.v",
    ),
    # A posting in front of its entry would leave the balances alone.
    (
        "ledger_entry_whole",
        "INSERT INTO ledger_posting (entry_id, account, amount) VALUES (10000, 'available', 5)",
    ),
    # Terms that are not those of an entry.
    (
        "ledger_earning_fits",
        "INSERT INTO ledger_earning (order_id, organization_id, entry_id, usd_value,"
        " commission_bps, share_percent, markup_bps, share, markup)"
        " SELECT 'prv-forged', organization_id, id, 100, 40, 50, 0, 0.2, 0 FROM ledger_entry"
        " WHERE kind = 'correction'",
    ),
]


@pytest.fixture
async def book(ctx: AppContext, organization: uuid.UUID) -> uuid.UUID:
    """A book with an earning and a correction."""
    await earn(ctx, organization)
    await give(ctx, organization, "3")
    return organization


async def _contents(pool: asyncpg.Pool) -> list[Any]:
    return [
        await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in (*_LOGS, "ledger_account")
    ]


async def _refused(connection: Any, attack: str) -> None:
    said: Exception | None = None
    try:
        async with connection.transaction():
            await connection.execute(attack)
    except asyncpg.PostgresError as error:
        said = error
    assert isinstance(said, asyncpg.InsufficientPrivilegeError), f"{attack}: {said!r}"


async def test_the_application_cannot(ctx: AppContext, book: uuid.UUID) -> None:
    before = await _contents(ctx.database.pool)
    async with ctx.database.pool.acquire() as connection:
        for attack in (*ATTACKS, *ATTACKS_OF_THE_APPLICATION):
            await _refused(connection, attack)
    assert await _contents(ctx.database.pool) == before


async def test_the_owner_cannot_either(
    ctx: AppContext, book: uuid.UUID, owner: asyncpg.Connection
) -> None:
    before = await _contents(ctx.database.pool)
    for attack in ATTACKS:
        await _refused(owner, attack)
    assert await _contents(ctx.database.pool) == before


@pytest.mark.parametrize(("rule", "statement"), UNBALANCED)
async def test_what_does_not_balance_is_refused(
    ctx: AppContext, book: uuid.UUID, owner: asyncpg.Connection, rule: str, statement: str
) -> None:
    before = await _contents(ctx.database.pool)
    for who in (ctx.database.pool, owner):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await who.execute(statement.format(o=book))
        assert refused.value.constraint_name == rule
    assert await _contents(ctx.database.pool) == before


async def test_an_entry_that_is_completed_in_two_statements_is_whole(
    ctx: AppContext, book: uuid.UUID
) -> None:
    insert = "INSERT INTO ledger_posting (entry_id, account, amount) VALUES ($1, $2, $3)"
    async with ctx.database.transaction() as tx:
        entry = await tx.connection.fetchval(
            "INSERT INTO ledger_entry (organization_id, kind, cause_id, step, postings)"
            " VALUES ($1, 'correction', 'slow', 'x', 2) RETURNING id",
            book,
        )
        await tx.connection.execute(insert, entry, "corrections", -2)
        await tx.connection.execute(insert, entry, "available", 2)
    assert (await held(ctx, book))[1] == 6
    with pytest.raises(asyncpg.CheckViolationError):
        await ctx.database.pool.execute(insert, entry, "rounding", 1)


async def test_a_temporary_table_does_not_take_the_balances_place(
    ctx: AppContext, book: uuid.UUID
) -> None:
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(
            "CREATE TEMP TABLE ledger_account (LIKE ledger_account) ON COMMIT DROP;"
            " SET LOCAL search_path = pg_temp, public, pg_catalog"
        )
        await tx.connection.execute(
            "WITH entry AS (INSERT INTO ledger_entry (organization_id, kind, cause_id, step,"
            f" postings) VALUES ('{book}', 'correction', 'x', 'x', 2) RETURNING id){_INTO}"
            " (VALUES ('available', 5::numeric), ('corrections', -5)) AS p(a, v)"
        )
    assert (await held(ctx, book))[1] == 9
    assert not (await verify(ctx)).findings


#: What one whom no trigger stops may do, and what the verification says about it.
TAMPERING = [
    ("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'available'",
     {"available"}),
    ("UPDATE ledger_account SET balance = 0 WHERE name = 'pending'", {"pending"}),
    ("DELETE FROM ledger_account WHERE name = 'commission'", {"commission"}),
    ("UPDATE ledger_posting SET amount = amount + 1 WHERE account = 'corrections'",
     {"corrections", "entry 3"}),
    ("DELETE FROM ledger_posting WHERE entry_id = 3",
     {"available", "corrections", "entry 3"}),
    ("DELETE FROM ledger_hold", {"pending"}),
    ("UPDATE ledger_hold SET amount = 0.5", {"pending"}),
    ("UPDATE ledger_earning SET share_percent = 60 WHERE entry_id = 2", {"order"}),
    ("DELETE FROM ledger_earning WHERE entry_id = 2", {"entry 2"}),
    ("UPDATE ledger_earning SET order_id = 'prv-other' WHERE entry_id = 2", {"order"}),
    # Balanced in itself, and the balances moved with it: but not what the terms say.
    ("UPDATE ledger_posting SET amount = amount + 1 WHERE account = 'available' AND entry_id = 2;"
     " UPDATE ledger_posting SET amount = amount - 1 WHERE account = 'takings' AND entry_id = 2;"
     " UPDATE ledger_account SET balance = balance + 1 WHERE name = 'available';"
     " UPDATE ledger_account SET balance = balance - 1 WHERE name = 'takings'",
     {"order"}),
    ("UPDATE ledger_entry SET cause_id = 'p' WHERE kind = 'correction';"
     " UPDATE ledger_posting SET account = 'payout_in_flight', amount = -3 WHERE entry_id = 3"
     " AND account = 'corrections'; UPDATE ledger_account SET balance = 0 WHERE name ="
     " 'corrections'; ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_covers;"
     " UPDATE ledger_account SET balance = -3 WHERE name = 'payout_in_flight'",
     {"payout_in_flight", "correction p"}),
]  # fmt: skip


@pytest.mark.parametrize(("tampering", "found"), TAMPERING)
async def test_a_change_made_past_the_triggers_is_found(
    ctx: AppContext,
    organization: uuid.UUID,
    superuser: asyncpg.Connection,
    tampering: str,
    found: set[str],
) -> None:
    await earn(holding(ctx, 3), organization)
    await earn(ctx, organization)
    await give(ctx, organization, "3")
    assert not (await verify(ctx)).findings
    await superuser.execute(tampering)
    findings = (await verify(ctx)).findings
    names = {one.what.split(" ")[0] if "order" in one.what else one.what for one in findings}
    assert names == found, findings
    assert {one.organization_id for one in findings} == {organization}
    other = await verify(ctx, organization_id=uuid.uuid4())
    assert (other.findings, other.entries, other.books) == ((), 0, 0)
