"""Claiming what is due, organization by organization, after asking who has something.

One statement over everything asks **who has work**: the organizations and environments with
something due, those that wait longest first. It is cheap and may be stale. What it told is worked
off before it is asked again: each claim takes the next owners and gives each a fair share of the
room. So ten thousand due rows of one organization cost the others nothing but that share, and ten
thousand organizations with one due row each are claimed a group at a time.

The claim itself names the organization. On one PostgreSQL a group of owners is one statement; where
the tables are distributed by organization, each owner has a statement of its own, several at once,
because only such a statement runs on one node. Both are made of the same text.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)

#: Owners that are told at once, and rows that one claim takes at most. The planner sees the second,
#: and so looks the claimed rows up by their keys instead of reading the table.
MOST_OWNERS: Final = 1_000
MOST_ROWS: Final = 256

#: Seconds for which it is believed who has work.
BELIEVED_S: Final = 1.0

#: Claims of single organizations that run at once.
SIDE_BY_SIDE: Final = 4


class Owner(NamedTuple):
    """An organization in one environment that had something due, and how much, when it was
    asked."""

    organization_id: UUID
    environment: str
    waiting: int


@dataclass(frozen=True, slots=True)
class DueSql:
    """The text of one kind of work, from which its statements are made.

    `waiting` is what stands between FROM and GROUP BY to find the rows that are due, by the alias
    `row`; `since` says since when.

    `due` selects and locks the due rows of one owner, of whom it says `{organization}`,
    `{environment}` and `{most}`, the number of rows; SKIP LOCKED, so that no claim waits for
    another. Its columns include `organization_id` and `environment`. `taken` is what is done with
    them: it reads them from `due`, finds each by its key, and names their organization again by
    `{organization}`. The environment stands in `due` alone: beside the organization it would make
    an index of all of its rows look as good as the key to a planner without statistics.

    Parameters of their own begin with $4 in all three.
    """

    waiting: str
    since: str
    due: str
    taken: str
    row: str = "w"
    #: Who has work: $1 owners at most, without those of $2 and $3.
    who: str = field(init=False)
    #: The claims of several owners in one statement, by three arrays, and of a single one.
    together: str = field(init=False)
    apart: str = field(init=False)

    def __post_init__(self) -> None:
        owner = f"{self.row}.organization_id, {self.row}.environment"
        who = f"""
SELECT owner.* FROM (
    SELECT {owner}, min({self.since}) AS since, count(*)::int AS waiting
    FROM {self.waiting}
    GROUP BY {owner}
) AS owner
WHERE NOT EXISTS (
    SELECT FROM unnest($2::uuid[], $3::text[]) AS had(organization_id, environment)
    WHERE had.organization_id = owner.organization_id AND had.environment = owner.environment)
ORDER BY owner.since LIMIT $1
"""  # noqa: S608  # put together out of the constants of a room
        inner = self.due.format(
            organization="ask.organization_id", environment="ask.environment", most="ask.most"
        )
        outer = self.taken.format(organization="due.organization_id", environment="due.environment")
        together = f"""
WITH due AS MATERIALIZED (
    SELECT found.* FROM unnest($1::uuid[], $2::text[], $3::int[])
        AS ask(organization_id, environment, most)
    CROSS JOIN LATERAL ({inner}) AS found
    LIMIT {MOST_ROWS}
){outer}
"""  # noqa: S608
        one = {"organization": "$1::uuid", "environment": "$2::text"}
        apart = f"""
WITH due AS MATERIALIZED (
    {self.due.format(**one, most="$3::int")}
){self.taken.format(organization=one["organization"])}
"""
        for name, text in (("who", who), ("together", together), ("apart", apart)):
            object.__setattr__(self, name, text)


class DueWork:
    """One kind of due work, as one worker claims it: whom it has been told of, and who is next.

    `asking` are the parameters of `DueSql.waiting`; `apart`: a statement for each organization.
    """

    def __init__(self, sql: DueSql, *asking: Any, apart: bool) -> None:
        self._sql = sql
        self._asking = asking
        self._apart = apart
        #: Those who have not had a turn since it was asked, and those who had, with what was left.
        self._next: deque[Owner] = deque()
        self._again: deque[Owner] = deque()
        #: Those of lists that were full: the next list is of the others, until one is not full. So
        #: those who wait longest and have more than can be worked off keep no others from it.
        self._had: list[Owner] = []
        self._believed_until = 0.0

    async def claim(self, db: Pool | Connection, room: int, *values: Any) -> list[asyncpg.Record]:
        """Claim at most `room` rows; none only if nobody has anything that could be claimed.

        `values` are the claim's own parameters. In a transaction the claims of single
        organizations run one after another.
        """
        room = min(room, MOST_ROWS)
        asked = False
        while room > 0:
            self._begin_again(room)
            if self._next:
                rows = await self._claim(db, self._shares(room), values)
                if rows:
                    return rows
            elif asked:
                break
            else:
                await self._ask(db)
                asked = True
        return []

    def _begin_again(self, room: int) -> None:
        """Let those who had a turn have another in what the others leave of the room, while it is
        believed what they have and no others wait for a list."""
        few = len(self._next) < room
        if few and not self._had and time.monotonic() < self._believed_until:
            self._next += self._again
            self._again.clear()

    async def _ask(self, db: Pool | Connection) -> None:
        # The time is taken before: what became due while it was asked is not missed for longer.
        self._believed_until = time.monotonic() + BELIEVED_S
        told = await self._told(db)
        if self._had and not told:
            self._had = []
            told = await self._told(db)
        self._next, self._again = deque(told), deque()
        self._had = [*self._had, *told] if len(told) == MOST_OWNERS else []

    async def _told(self, db: Pool | Connection) -> list[Owner]:
        rows = await db.fetch(
            self._sql.who,
            MOST_OWNERS,
            [owner.organization_id for owner in self._had],
            [owner.environment for owner in self._had],
            *self._asking,
        )
        return [Owner(row["organization_id"], row["environment"], row["waiting"]) for row in rows]

    def _shares(self, room: int) -> list[tuple[Owner, int]]:
        """The next owners, as many as there is room for, and how many rows each may give."""
        owners = [self._next.popleft() for _ in range(min(room, len(self._next)))]
        shares = shared_out([owner.waiting for owner in owners], room)
        return list(zip(owners, shares, strict=True))

    async def _claim(
        self, db: Pool | Connection, shares: Sequence[tuple[Owner, int]], values: Sequence[Any]
    ) -> list[asyncpg.Record]:
        claim = self._claim_apart if self._apart else self._claim_together
        rows = await claim(db, shares, values)
        if rows:  # where there is nothing, another holds it: it is not looked at again and again
            self._again.extend(
                owner._replace(waiting=owner.waiting - share)
                for owner, share in shares
                if owner.waiting > share
            )
        return rows

    async def _claim_together(
        self, db: Pool | Connection, shares: Sequence[tuple[Owner, int]], values: Sequence[Any]
    ) -> list[asyncpg.Record]:
        return await db.fetch(
            self._sql.together,
            [owner.organization_id for owner, _ in shares],
            [owner.environment for owner, _ in shares],
            [share for _, share in shares],
            *values,
        )

    async def _claim_apart(
        self, db: Pool | Connection, shares: Sequence[tuple[Owner, int]], values: Sequence[Any]
    ) -> list[asyncpg.Record]:
        """What could be claimed; where nothing could, the first error."""
        # A transaction does one thing after another.
        places = asyncio.Semaphore(SIDE_BY_SIDE if isinstance(db, asyncpg.Pool) else 1)

        async def claim_of(owner: Owner, share: int) -> list[asyncpg.Record]:
            async with places:
                return await db.fetch(self._sql.apart, *owner[:2], share, *values)

        # What one node could not do holds back nothing that another has claimed.
        results = await asyncio.gather(
            *(claim_of(owner, share) for owner, share in shares), return_exceptions=True
        )
        found = [row for rows in results if not isinstance(rows, BaseException) for row in rows]
        errors = [error for error in results if isinstance(error, BaseException)]
        if errors and not found:
            raise errors[0]
        return found


def shared_out(waiting: Sequence[int], room: int) -> list[int]:
    """What each may give of `room`: equal parts, and what one does not need goes to the others.

    There are no more owners than `room`, so that each gives at least one.
    """
    shares = [0] * len(waiting)
    smallest_first = sorted(range(len(waiting)), key=waiting.__getitem__)
    for done, n in enumerate(smallest_first):
        shares[n] = min(waiting[n], room // (len(waiting) - done))
        room -= shares[n]
    return shares
