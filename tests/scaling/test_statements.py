"""Every statement on a distributed table names its organization, or says in a list why not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from tests.scaling.naming import Reading
from tests.scaling.statements import AS_SENT, DYNAMIC, sent_by_the_code
from tests.scaling.tables import tables_by_kind

CROSSING: Final = Path(__file__).with_name("crossing.toml")

#: Tables and views of partner data: those of the page that have the column, and views with it.
NAMED = """
SELECT c.relname FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'organization_id'
WHERE c.relnamespace = 'public'::regnamespace
  AND (c.relname = ANY ($1) OR c.relkind = 'v' AND EXISTS (
      SELECT FROM pg_rewrite AS rule JOIN pg_depend AS needs ON needs.objid = rule.oid
      JOIN pg_class AS shown ON shown.oid = needs.refobjid
      WHERE rule.ev_class = c.oid AND shown.relname = ANY ($1)))
"""


async def named_tables(owner: asyncpg.Connection) -> frozenset[str]:
    """What a statement must name the organization of."""
    rows = await owner.fetch(NAMED, tables_by_kind()["Distributed"])
    return frozenset(row["relname"] for row in rows)


async def test_a_statement_names_its_organization_or_is_in_the_list(
    owner: asyncpg.Connection,
) -> None:
    tables = await named_tables(owner)
    assert {"orders", "webhook_delivery", "webhook_due", "order_facts", "shared_event"} <= tables
    found: dict[str, set[str]] = {}
    touching = 0
    for statement in sent_by_the_code().statements:
        reading = Reading(statement.sql, tables)
        touching += bool(reading.touched)
        if reading.unnamed:
            found.setdefault(statement.name, set()).update(reading.unnamed)
    assert touching > 100  # the code is still found
    listed = tomllib.loads(CROSSING.read_text(encoding="utf-8"))
    unlisted = {name: tables for name, tables in found.items() if name not in listed}
    assert not unlisted, f"name the organization, or say why not in {CROSSING.name}: {unlisted}"
    as_sent = {name for name, why in DYNAMIC.items() if why == AS_SENT}
    assert listed.keys() - found.keys() <= as_sent, "true no more; take it out of the list"
    assert all(listed.values())


def test_where_no_constant_is_sent_is_known() -> None:
    assert sent_by_the_code().dynamic == DYNAMIC.keys()


TABLES: Final = frozenset({"orders", "event", "refund"})

NAMES = [
    "SELECT * FROM orders WHERE organization_id = $1",
    "SELECT * FROM orders AS o WHERE o.id = $2 AND (o.organization_id = $1::uuid)",
    "SELECT * FROM orders o JOIN event e ON e.organization_id = o.organization_id"
    " WHERE e.organization_id = $1",
    "SELECT * FROM orders o LEFT JOIN event e USING (organization_id) WHERE o.organization_id = $1",
    "SELECT (SELECT count(*) FROM event e WHERE e.organization_id = o.organization_id)"
    " FROM orders o WHERE o.organization_id = $1",
    "WITH x AS (SELECT o.* FROM orders o WHERE organization_id = $1)"
    " SELECT * FROM event e JOIN x ON x.organization_id = e.organization_id",
    "WITH x(a, b) AS (SELECT id, organization_id FROM orders WHERE organization_id = $1)"
    " UPDATE event SET body = '' FROM x WHERE event.organization_id = x.b",
    "UPDATE orders SET id = 1 WHERE (organization_id, id) = ($1, $2)",
    "DELETE FROM orders USING event e WHERE orders.organization_id = $1"
    " AND e.organization_id = orders.organization_id",
    "INSERT INTO orders (id, organization_id) VALUES ($1, $2)",
    "SELECT 1",
]

DOES_NOT = [
    "SELECT * FROM orders WHERE id = $1",
    "SELECT * FROM orders WHERE organization_id = ANY ($1)",
    "SELECT * FROM orders WHERE organization_id = $1 OR id = $2",
    "SELECT * FROM orders WHERE NOT organization_id = $1",
    "SELECT * FROM orders WHERE organization_id <> $1",
    "SELECT * FROM orders WHERE organization_id = organization_id",
    "SELECT * FROM orders o JOIN event e ON e.id = o.id WHERE e.organization_id = $1",
    "SELECT * FROM orders o WHERE EXISTS (SELECT FROM event e WHERE e.organization_id = $1)",
    "SELECT * FROM orders WHERE organization_id = $1 UNION ALL SELECT * FROM orders",
    "WITH x AS (SELECT id FROM orders WHERE organization_id = $1)"
    " SELECT * FROM event WHERE id IN (SELECT id FROM x)",
    "WITH x AS (SELECT id AS organization_id FROM refund WHERE organization_id = $1)"
    " SELECT * FROM event JOIN x ON x.organization_id = event.organization_id",
    "SELECT * FROM unnest($1::uuid[]) AS ask(organization_id) JOIN orders o"
    " ON o.organization_id = ask.organization_id",
    "INSERT INTO orders (id) VALUES ($1)",
    "INSERT INTO orders (id, organization_id) SELECT id, organization_id FROM refund",
    "UPDATE orders SET organization_id = $1",
    "DELETE FROM orders",
]


@pytest.mark.parametrize("sql", NAMES)
def test_it_is_seen_that_a_statement_names_it(sql: str) -> None:
    assert Reading(sql, TABLES).unnamed == set()


@pytest.mark.parametrize("sql", DOES_NOT)
def test_it_is_seen_that_a_statement_does_not_name_it(sql: str) -> None:
    assert Reading(sql, TABLES).unnamed
