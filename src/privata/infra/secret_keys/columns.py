"""Where sealed values lie: each room names its own columns, and `privata.wiring` gathers them.

A sealed value names its key in the bytes behind its version (`infra.sealing`), so what hangs on a
key is counted without opening anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from privata.core.hooks import Hook


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One column with sealed values.

    `key` are the columns of the primary key in their order, each with its type. `context` is what a
    row's value is bound to: it gets the row with these and the columns in `needs`. Where the column
    is not the sealed value itself, `sealed` is the expression that yields it, `put` the assignment
    that stores `new_bytes` in its place, and `where` says which rows have one.
    """

    table: str
    column: str
    key: Mapping[str, str]
    context: Callable[[asyncpg.Record], str]
    needs: tuple[str, ...] = ()
    where: str = "true"
    sealed: str = ""
    put: str = ""

    @property
    def value(self) -> str:
        """The SQL expression of the sealed bytes."""
        return self.sealed or self.column

    @property
    def name(self) -> str:
        """The SQL expression of the name of the key that sealed them."""
        return f"substring({self.value} from 2 for 4)"

    @property
    def assignment(self) -> str:
        """What an UPDATE sets to store `new_bytes`."""
        return self.put or f"{self.column} = new_bytes"


#: Every sealed column of every room; filled by `privata.wiring`.
SEALED: Final[Hook[tuple[SealedColumn, ...]]] = Hook("the sealed columns")


@dataclass(frozen=True, slots=True)
class Use:
    """How many values of a table hang on the key of this name; None: nobody knows on which."""

    table: str
    key: bytes | None
    count: int

    @property
    def shown(self) -> str:
        """The key as people are shown it."""
        return "unknown" if self.key is None else self.key.hex()


async def sealed_uses(executor: asyncpg.Pool[Any]) -> list[Use]:
    """How much is sealed under which key, by table. Reads each table once."""
    found = []
    for column in SEALED.value:
        rows = await executor.fetch(
            f"SELECT {column.name} AS name, count(*) AS count FROM {column.table}"  # noqa: S608
            f" WHERE {column.where} GROUP BY 1 ORDER BY 1"
        )
        found += [Use(column.table, row["name"], row["count"]) for row in rows]
    return found
