"""Views through which rooms read each other's tables: they are documented, they cost nothing, and
they give no right that the reader has not."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asyncpg.pool import PoolConnectionProxy

from privata.apikeys.admission_sql import ADMIT, with_companion
from privata.infra.context import AppContext
from privata.orders.store import GET_ALONG
from privata.tokens.service import _AUTHENTICATE
from privata.webhooks.engine.claim_sql import CLAIM, NEXT_DUE, OLDEST_DUE

VIEWS = Path(__file__).resolve().parents[2] / "scripts" / "rooms_views.toml"

#: What the statements are planned over: enough rows for indexes to be worth their while.
FILL = """
INSERT INTO organization (id, name, status)
SELECT gen_random_uuid(), 'Acme ' || n, 'approved' FROM generate_series(1, 2000) AS n;
INSERT INTO app_user (email, password, is_superuser)
SELECT 'u' || n || '@x.example', '', false FROM generate_series(1, 2000) AS n;
INSERT INTO membership (organization_id, user_id, role)
SELECT o.id, u.id, 'owner'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM organization) AS o
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM app_user) AS u USING (n);
INSERT INTO api_key (id, organization_id, environment, name, scopes)
SELECT gen_random_uuid(), id, 'test', 'key', '{orders:rw}' FROM organization;
INSERT INTO api_key_secret (key_id, prefix, last_four, digest, by_operator)
SELECT id, 'pk_test_' || left(id::text, 8), 'aaaa', uuid_send(id), true FROM api_key;
INSERT INTO event (event_id, organization_id, environment, channel, type, body)
SELECT 'e-' || o.id || n, o.id, 'test', 'ops', 'x', ''
FROM organization AS o, generate_series(1, 5) AS n;
ANALYZE;
"""

STATEMENTS = {
    "admission": ADMIT,
    "admission with an order": with_companion(GET_ALONG),
    "claim": CLAIM,
    "next due": NEXT_DUE,
    "oldest due": OLDEST_DUE,
    "a personal token": _AUTHENTICATE,
}


def _on_tables(statement: str) -> str:
    """The same statement as it would be on the tables themselves."""
    return re.sub(r"\bshared_(\w+)", lambda found: _table_of(found[1]), statement)


def _table_of(name: str) -> str:
    return "app_user" if name == "user" else name


async def _plan(connection: PoolConnectionProxy, statement: str) -> Any:
    """The generic plan: its nodes, relations, indexes and costs, without the names of aliases."""
    await connection.execute(f"PREPARE planned AS {statement}")
    count = len(set(re.findall(r"\$(\d+)", statement)))
    arguments = ", ".join(["NULL"] * count)
    call = f"planned ({arguments})" if count else "planned"
    (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE {call}")
    await connection.execute("DEALLOCATE planned")
    return _bare(json.loads(row[0])[0]["Plan"])


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    kept = ("Node Type", "Relation Name", "Index Name", "Join Type", "Total Cost", "Plan Rows")
    shown: dict[str, Any] = {name: node[name] for name in kept if name in node}
    shown["Plans"] = [_bare(inner) for inner in node.get("Plans", [])]
    return shown


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_on_views_has_the_plan_that_it_has_on_tables(
    ctx: AppContext, owner: asyncpg.Connection, name: str
) -> None:
    """The hot paths pay nothing for the walls between rooms."""
    statement = STATEMENTS[name]
    assert "shared_" in statement
    await owner.execute(FILL)
    async with ctx.database.pool.acquire() as connection:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        on_views = await _plan(connection, statement)
        assert on_views == await _plan(connection, _on_tables(statement))


async def test_every_view_stands_in_the_list_and_asks_for_the_rights_of_its_reader(
    owner: asyncpg.Connection,
) -> None:
    rows = await owner.fetch(
        "SELECT relname, reloptions FROM pg_class"
        " WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
    )
    assert {row["relname"] for row in rows} == tomllib.loads(VIEWS.read_text()).keys()
    for row in rows:
        assert row["reloptions"] == ["security_invoker=true"], row["relname"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shared_event SET type = 'x'",
        "DELETE FROM shared_event",
    ],
)
async def test_no_view_is_a_way_around_an_append_only_log(ctx: AppContext, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ctx.database.pool.execute(statement)


async def test_no_view_shows_a_secret(owner: asyncpg.Connection) -> None:
    columns = await owner.fetch(
        "SELECT attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
    )
    secret = {"password", "digest", "sealed"}
    assert not secret & {row["attname"] for row in columns}
