"""Orders and events that others know and the database does not: read from their lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from privata.infra.csv_lists import read_list

if TYPE_CHECKING:
    from privata.infra.context import AppContext

_ORDERS: Final = """
SELECT wanted.provider, wanted.ident
FROM unnest($1::text[], $2::text[]) AS wanted(provider, ident)
WHERE NOT EXISTS (
    SELECT FROM order_facts AS o
    WHERE o.provider = wanted.provider AND o.provider_order_id = wanted.ident)
ORDER BY 1, 2
"""

_EVENTS: Final = """
SELECT wanted.ident FROM unnest($1::text[]) AS wanted(ident)
WHERE NOT EXISTS (SELECT FROM shared_event AS e WHERE e.event_id = wanted.ident)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Something that is on a list and not in the database: an `order` or an `event`."""

    kind: str
    name: str


async def forgotten_orders(ctx: AppContext, path: Path) -> list[Forgotten]:
    """Of a provider's list (`provider`, `provider_order_id`), what the database does not have.

    `PrivataError` for a list that cannot be read.
    """
    rows = _read(path, "provider", "provider_order_id")
    found = await ctx.database.pool.fetch(
        _ORDERS, [row[0] for row in rows], [row[1] for row in rows]
    )
    return [Forgotten("order", f"{row['provider']} {row['ident']}") for row in found]


async def forgotten_events(ctx: AppContext, path: Path) -> list[Forgotten]:
    """Of a receiver's list (`event_id`), what the database does not have; errors as above."""
    rows = _read(path, "event_id")
    found = await ctx.database.pool.fetch(_EVENTS, [row[0] for row in rows])
    return [Forgotten("event", row["ident"]) for row in found]


def _read(path: Path, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(said[name] for name in columns) for _, said in read_list(path, columns, columns)]
