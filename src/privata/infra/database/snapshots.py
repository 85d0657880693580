"""Who holds the oldest snapshot of the database, and since when.

Rows that a transaction may still look at are not vacuumed. Where rows change as often as in the
queue of deliveries, one snapshot that stays open for minutes (a dump, an analyst, a standby with
feedback) makes every claim walk what has long been dead: docs/operations.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from privata.infra.database.postgres import Database

GUIDE: Final = "docs/operations.md"

#: After the first alarm the next one comes when the age has grown by this factor.
AGAIN_AT: Final = 2.0

_HOLDERS: Final = (
    'SELECT kind, name, pid, "user", database, seconds, transactions FROM old_snapshots()'
)
_COMPLETE: Final = "SELECT complete FROM old_snapshots() LIMIT 1"


class Kind(StrEnum):
    """What keeps old rows."""

    TRANSACTION = "transaction"
    PREPARED = "prepared transaction"
    STANDBY = "standby"
    SLOT = "replication slot"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who keeps rows that are dead, and what age of them in transactions.

    `name` is the application's name, the transaction's or the slot's; `seconds` is None where the
    database does not say since when (standbys and slots).
    """

    kind: Kind
    name: str
    pid: int | None
    user: str | None
    database: str | None
    seconds: float | None
    transactions: int

    @property
    def who(self) -> str:
        """Kind, name and, where there are any, process, user and database."""
        facts = [("pid", self.pid), ("user", self.user), ("database", self.database)]
        known = ", ".join(f"{what} {value}" for what, value in facts if value is not None)
        named = f'{self.kind} "{self.name}"' if self.name else f"{self.kind} without a name"
        return f"{named} ({known})" if known else named

    @property
    def remedy(self) -> str:
        """What ends it, as a statement for the operator."""
        match self.kind:
            case Kind.TRANSACTION:
                return f"SELECT pg_terminate_backend({self.pid})"
            case Kind.PREPARED:
                return f"ROLLBACK PREPARED '{self.name}'  -- in its database; or COMMIT PREPARED"
            case Kind.SLOT:
                return f"SELECT pg_drop_replication_slot('{self.name}')  -- if nobody reads it"
            case Kind.STANDBY:
                return "end the long query on the standby, or set hot_standby_feedback = off there"


async def old_snapshots(database: Database) -> list[Holder]:
    """Who holds old snapshots, the oldest first, twenty at most."""
    rows = await database.pool.fetch(_HOLDERS)
    return [
        Holder(Kind(row["kind"]), row["name"] or "", *tuple(row)[2:])
        for row in rows
        if row["kind"] is not None
    ]


async def sees_all(database: Database) -> bool:
    """Whether others' sessions can be seen: the owner's role is in `pg_read_all_stats`."""
    return bool(await database.pool.fetchval(_COMPLETE))


@dataclass(frozen=True, slots=True)
class Alarm:
    """A snapshot that is too old, and for how many seconds it has been held."""

    holder: Holder
    seconds: float


class SnapshotWatch:
    """Decides when to say that a snapshot is too old: once, and each time its age has doubled.

    Where the database does not say since when something is held, it is timed from the look at which
    we first saw it held.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._said: dict[tuple[Kind, str, int | None], float] = {}
        self._seen: dict[tuple[Kind, str, int | None], float] = {}
        self._transactions: dict[tuple[Kind, str, int | None], int] = {}

    def look(self, holders: Sequence[Holder], now: float) -> Alarm | None:
        """What to say of these holders at `now` (monotonic seconds): of the oldest, if anything."""
        present = {(one.kind, one.name, one.pid) for one in holders}
        for known in (self._said, self._seen, self._transactions):
            for gone in known.keys() - present:
                del known[gone]
        for one in holders:
            key = (one.kind, one.name, one.pid)
            # Its age in transactions falls when it lets go of what it held and holds another.
            if one.transactions < self._transactions.get(key, 0):
                self._seen.pop(key, None)
                self._said.pop(key, None)
            self._transactions[key] = one.transactions
            self._seen.setdefault(key, now)
        for one in holders[:1]:
            key = (one.kind, one.name, one.pid)
            held = now - self._seen[key] if one.seconds is None else one.seconds
            if held >= max(self._after_s, AGAIN_AT * self._said.get(key, 0.0)):
                self._said[key] = held
                return Alarm(one, held)
        return None
