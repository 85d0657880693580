"""What the application's role may do with views."""

from __future__ import annotations

import psycopg

from privata.dashboard.schema.grants import grant
from privata.infra.context import AppContext
from privata.infra.settings import Settings

_MAY = """
SELECT viewname, has_table_privilege(viewname, 'SELECT') AS reads,
       has_table_privilege(viewname, 'INSERT, UPDATE, DELETE') AS writes
FROM pg_views WHERE schemaname = 'public'
"""


async def test_views_are_for_reading(ctx: AppContext) -> None:
    """Else a room could write another's rows through the view it reads them by."""
    found = {
        row["viewname"]: (row["reads"], row["writes"])
        for row in await ctx.database.pool.fetch(_MAY)
    }
    assert {"order_facts", "quote_facts", "refund_facts", "ledger_movement"} <= set(found)
    assert set(found.values()) == {(True, False)}


def test_a_view_of_others_may_have_any_name(settings: Settings) -> None:
    """Else nothing was granted, and every program stopped at the next migration."""
    assert settings.database_owner_url is not None
    assert settings.database_url is not None
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute('CREATE VIEW "Monthly {Revenue}" AS SELECT 1 AS one')
    grant(settings.database_owner_url, "privata_app")
    with psycopg.connect(settings.database_url) as connection:
        assert connection.execute('SELECT one FROM "Monthly {Revenue}"').fetchone() == (1,)
