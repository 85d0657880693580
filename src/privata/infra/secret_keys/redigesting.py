"""Digests move to the first secret key when what they stand for is used.

A digest cannot be made again without the plain value, and only whoever uses a key or a token shows
it. So the use notes which secret key the digest was made under, which costs a column of a row that
is read anyway, and the digest is replaced in the background, once for each rotation.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from privata.core.hooks import Hook
from privata.infra.database.postgres import Database
from privata.infra.sealing import Sealer
from privata.infra.secret_keys.columns import Use
from privata.infra.secret_keys.watching import KeyWatch

log = logging.getLogger(__name__)

#: Digests that wait to be replaced; what comes on top waits for its next use.
MOST_WAITING: Final = 1000

#: Rows of `hanging` for each table.
MOST_TOLD: Final = 1000


@dataclass(frozen=True, slots=True)
class DigestColumn:
    """Digests of one table that live as long as what they stand for.

    `living` selects `id`, `organization_id`, `label` and `digest_key` of what still works;
    `redigest` stores the digest `$2`, made under the key `$3`, in the row `$1`.
    """

    table: str
    what: str
    living: str
    redigest: str


@dataclass(frozen=True, slots=True)
class Hanging:
    """Something that stops working with a key; `key` None: nobody knows with which."""

    what: str
    id: str
    organization_id: str
    label: str
    key: bytes | None


#: The digests that are told of and that move; filled by `privata.wiring`.
DIGESTS: Final[Hook[tuple[DigestColumn, ...]]] = Hook("the digests")


class Redigester:
    """Replaces digests of one process, one after the other, with a connection only meanwhile."""

    def __init__(self, database: Database, sealer: Sealer, keys: KeyWatch) -> None:
        self._database = database
        self._sealer = sealer
        self._keys = keys
        self._waiting: dict[tuple[str, Any], bytes] = {}
        self._task: asyncio.Task[None] | None = None

    def used(self, column: DigestColumn, row_id: Any, made_under: bytes | None, text: str) -> None:
        """`text`, whose digest the row has, was used: replace the digest soon if it is an old one.

        Only towards the key that the installation seals with: while a rotation is on its way,
        servers with another first key would move the digest to and fro with every call.
        """
        first = self._sealer.marks[0]
        if made_under == first.name or not self._keys.seals_with(first):
            return
        if len(self._waiting) >= MOST_WAITING:
            return
        self._waiting[column.redigest, row_id] = self._sealer.digest(text)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._replace())

    async def _replace(self) -> None:
        name = self._sealer.marks[0].name
        while self._waiting:
            (statement, row_id), digest = next(iter(self._waiting.items()))
            try:
                await self._database.pool.execute(statement, row_id, digest, name)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.debug("digests wait for their next use: %s", error)
                self._waiting.clear()
                return
            # Only now: calls that came meanwhile still read the old digest.
            self._waiting.pop((statement, row_id), None)


async def digest_uses(pool: asyncpg.Pool[Any]) -> list[Use]:
    """How many living digests hang on which key, by table."""
    found = []
    for column in DIGESTS.value:
        rows = await pool.fetch(
            "SELECT digest_key AS name, count(*) AS count"  # noqa: S608 - the rooms' constants
            f" FROM ({column.living}) AS living GROUP BY 1 ORDER BY 1"
        )
        found += [Use(column.table, row["name"], row["count"]) for row in rows]
    return found


async def hanging(pool: asyncpg.Pool[Any], first: bytes) -> list[Hanging]:
    """What has not been used since `first` became the first key; at most `MOST_TOLD` of a table."""
    found = []
    for column in DIGESTS.value:
        rows = await pool.fetch(
            f"SELECT * FROM ({column.living}) AS living"  # noqa: S608 - the rooms' constants
            " WHERE digest_key IS DISTINCT FROM $1 ORDER BY organization_id, id LIMIT $2",
            first,
            MOST_TOLD,
        )
        found += [
            Hanging(
                column.what,
                str(row["id"]),
                str(row["organization_id"]),
                row["label"],
                row["digest_key"],
            )
            for row in rows
        ]
    return found
