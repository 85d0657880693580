"""What the application's role may do with views."""

from __future__ import annotations

from privata.infra.context import AppContext

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
