"""Due work is claimed for each organization its share, in both forms of the claim."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.infra.context import AppContext
from privata.infra.database import due_work
from privata.infra.database.due_work import DueSql, DueWork, shared_out

ROOM = 16

TABLE = """
CREATE TABLE work (
    organization_id uuid NOT NULL, environment text NOT NULL, id bigserial, due_at timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX ON work (organization_id, environment, due_at);
GRANT ALL ON work, work_id_seq TO privata_app;
"""

WORK = DueSql(
    since="w.due_at",
    waiting="work AS w WHERE w.due_at <= now()",
    due="""
    SELECT w.organization_id, w.environment, w.id FROM work AS w
    WHERE w.organization_id = {organization} AND w.environment = {environment}
      AND w.due_at <= now()
    ORDER BY w.due_at LIMIT {most} FOR NO KEY UPDATE SKIP LOCKED""",
    taken="""
UPDATE work AS t SET due_at = now() + make_interval(secs => $4) FROM due
WHERE t.organization_id = {organization} AND t.id = due.id
RETURNING t.organization_id, t.id""",
)

FILL = """
INSERT INTO work (organization_id, environment, due_at)
SELECT o.id, $3, now() - make_interval(secs => $4) - n * interval '1 ms'
FROM unnest($1::uuid[]) AS o(id), generate_series(1, $2) AS n
"""


@pytest.fixture(params=[False, True], ids=["together", "apart"])
def apart(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture
async def db(ctx: AppContext, owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """One connection, whose statements can be counted."""
    await owner.execute(TABLE)
    connection = await asyncpg.connect(ctx.settings.database_url)
    yield connection
    await connection.close()


async def fill(
    db: asyncpg.Connection, owners: int, rows: int, *, age_s: float = 0, environment: str = "test"
) -> list[UUID]:
    """So many new organizations with so many rows that have been due for `age_s`."""
    made = [uuid.uuid4() for _ in range(owners)]
    await db.execute(FILL, made, rows, environment, age_s)
    return made


async def claim(work: DueWork, db: asyncpg.Connection, room: int = ROOM) -> list[UUID]:
    """Whose rows one claim took."""
    return [row["organization_id"] for row in await work.claim(db, room, 3600.0)]


async def test_ten_thousand_rows_of_one_hold_nobody_up(db: asyncpg.Connection, apart: bool) -> None:
    """A queue by time alone gives the others their first row after 625 claims."""
    (big,) = await fill(db, 1, 10_000, age_s=3600)
    small = await fill(db, 50, 1)
    work = DueWork(WORK, apart=apart)
    claims = [await claim(work, db) for _ in range(5)]
    found = Counter(one for taken in claims for one in taken)
    assert all(found[one] == 1 for one in small)
    assert found[big] == 5 * ROOM - len(small)  # no place stays empty
    assert all(len(taken) == ROOM for taken in claims)


async def test_many_with_one_row_each_are_few_statements(db: asyncpg.Connection) -> None:
    owners = await fill(db, 3_000, 1)
    work = DueWork(WORK, apart=False)
    sent: list[str] = []
    db.add_query_logger(lambda record: sent.append(record.query))
    found: list[UUID] = []
    while taken := await claim(work, db, 64):
        found += taken
    assert sorted(found) == sorted(owners)
    await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    # A list of a thousand is worked off before it is asked again; after the third, nobody is left
    # beside those who had been told of, nor among them.
    assert sent.count(WORK.who) == 3 + 2
    assert sent.count(WORK.together) == 3 * -(-1_000 // 64)


async def test_both_environments_are_owners_of_their_own(
    db: asyncpg.Connection, apart: bool
) -> None:
    (one,) = await fill(db, 1, 3)
    await db.execute(FILL, [one], 3, "live", 0)
    work = DueWork(WORK, apart=apart)
    assert await claim(work, db, 4) == [one] * 4
    left = await db.fetch("SELECT environment FROM work WHERE due_at <= now()")
    assert sorted(row["environment"] for row in left) == ["live", "test"]


async def test_workers_beside_each_other_claim_every_row_once(
    ctx: AppContext, db: asyncpg.Connection, apart: bool
) -> None:
    await fill(db, 30, 7)
    await fill(db, 1, 100, age_s=60)

    async def worker() -> list[int]:
        work, found = DueWork(WORK, apart=apart), list[int]()
        while rows := await work.claim(ctx.database.pool, ROOM, 3600.0):
            found += [row["id"] for row in rows]
        return found

    found = [one for ids in await asyncio.gather(*(worker() for _ in range(4))) for one in ids]
    assert len(found) == len(set(found))
    assert not await db.fetchval("SELECT count(*) FROM work WHERE due_at <= now()")


async def test_what_another_holds_is_left_and_not_asked_for_again_and_again(
    ctx: AppContext, db: asyncpg.Connection, apart: bool
) -> None:
    (held,) = await fill(db, 1, 1_000, age_s=60)
    (free,) = await fill(db, 1, 2)
    work = DueWork(WORK, apart=apart)
    async with ctx.database.transaction() as tx:
        await tx.connection.execute("SELECT FROM work WHERE organization_id = $1 FOR UPDATE", held)
        assert await claim(work, db) == [free] * 2
        sent: list[str] = []
        db.add_query_logger(lambda record: sent.append(record.query))
        assert await claim(work, db) == []
        await asyncio.sleep(0)
        assert len(sent) <= 4
    assert await claim(work, db) == [held] * ROOM


async def test_those_behind_a_full_list_have_their_turn(
    ctx: AppContext, db: asyncpg.Connection, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More owners than a list tells of, the first of them with more than can be worked off."""
    monkeypatch.setattr(due_work, "MOST_OWNERS", 4)
    await fill(db, 4, 1_000, age_s=3600)
    behind = await fill(db, 3, 1)
    work = DueWork(WORK, apart=apart)
    found = [one for _ in range(4) for one in await claim(work, db, 4)]
    assert set(behind) <= set(found)


async def test_the_claim_of_one_that_fails_loses_nothing_of_the_others(
    ctx: AppContext, db: asyncpg.Connection
) -> None:
    """Where each organization has a statement of its own, one node may be away."""
    good, bad = await fill(db, 2, 1)
    broken = DueSql(
        since=WORK.since,
        waiting=WORK.waiting,
        due=WORK.due,
        taken=WORK.taken.replace(
            "make_interval(secs => $4)",
            f"make_interval(secs => $4 / (t.organization_id <> '{bad}')::int)",
        ),
    )
    work = DueWork(broken, apart=True)
    rows = await work.claim(ctx.database.pool, ROOM, 3600.0)
    assert [row["organization_id"] for row in rows] == [good]
    with pytest.raises(asyncpg.DivisionByZeroError):
        await DueWork(broken, apart=True).claim(ctx.database.pool, ROOM, 3600.0)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=50), st.integers(0, 200))
def test_shares_are_equal_and_leave_no_place_empty(waiting: list[int], more: int) -> None:
    room = len(waiting) + more
    shares = shared_out(waiting, room)
    assert sum(shares) == min(room, sum(waiting))
    assert all(1 <= share <= has for share, has in zip(shares, waiting, strict=True))
    cut = [share for share, has in zip(shares, waiting, strict=True) if share < has]
    assert not cut or max(shares) - min(cut) <= 1
