"""`docs/scaling.md` says of every table where it goes, and of none that there is not."""

from __future__ import annotations

from collections import Counter

import asyncpg

from tests.scaling.tables import tables_by_kind

# A partition goes where its table goes.
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""

# The tables that views read, by the rules that they are.
VIEWS_WITHOUT = """
SELECT DISTINCT seen.relname AS view, shown.relname AS of
FROM pg_rewrite AS rule
JOIN pg_class AS seen ON seen.oid = rule.ev_class AND seen.relkind = 'v'
JOIN pg_depend AS needs ON needs.objid = rule.oid AND needs.classid = 'pg_rewrite'::regclass
JOIN pg_class AS shown ON shown.oid = needs.refobjid AND shown.oid <> seen.oid
JOIN pg_attribute AS has ON has.attrelid = shown.oid AND has.attname = 'organization_id'
WHERE seen.relnamespace = 'public'::regnamespace AND shown.relname = ANY ($1)
  AND NOT EXISTS (SELECT FROM pg_attribute AS its
                  WHERE its.attrelid = seen.oid AND its.attname = 'organization_id')
"""


async def test_every_table_has_its_place(owner: asyncpg.Connection) -> None:
    there = {row["relname"] for row in await owner.fetch(TABLES)}
    told = Counter(table for tables in tables_by_kind().values() for table in tables)
    assert there == set(told)
    assert max(told.values()) == 1


async def test_a_view_of_a_distributed_table_says_whose_a_row_is(owner: asyncpg.Connection) -> None:
    """A statement on a view can only name the organization where the view has it."""
    assert await owner.fetch(VIEWS_WITHOUT, tables_by_kind()["Distributed"]) == []
