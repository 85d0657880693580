"""Who holds the oldest snapshot is named, whoever and in whichever database they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from conftest import Cluster
from privata.infra.context import AppContext
from privata.infra.database.snapshots import Holder, Kind, SnapshotWatch, old_snapshots, sees_all


@pytest.fixture
async def analyst(cluster: Cluster, database_name: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else's role, whose sessions the application's role cannot look into."""
    url = cluster.admin_url.replace("/postgres?", f"/{database_name}?")
    connection = await asyncpg.connect(url, server_settings={"application_name": "analyst"})
    yield connection
    await connection.close()


async def named(ctx: AppContext, name: str) -> list[Holder]:
    return [one for one in await old_snapshots(ctx.database) if one.name == name]


async def test_a_foreign_snapshot_is_named_with_its_age(
    ctx: AppContext, analyst: asyncpg.Connection, database_name: str
) -> None:
    assert await sees_all(ctx.database)
    assert await named(ctx, "analyst") == []
    async with analyst.transaction(isolation="repeatable_read", readonly=True):
        await analyst.fetchval("SELECT count(*) FROM webhook_delivery")
        for _ in range(3):  # what happens after it, it keeps
            await ctx.database.pool.execute("UPDATE webhook_endpoint SET alias = alias")
            await ctx.database.pool.execute("SELECT pg_current_xact_id()")
        [holder] = await named(ctx, "analyst")
        assert holder.kind is Kind.TRANSACTION
        assert holder.pid == analyst.get_server_pid()
        assert holder.database == database_name
        assert holder.transactions >= 3
        assert holder.seconds is not None
        assert holder.seconds >= 0
        assert f"pid {holder.pid}, user " in holder.who
    assert await named(ctx, "analyst") == []


async def test_only_what_writes_counts_in_another_database(
    ctx: AppContext, cluster: Cluster
) -> None:
    other = await asyncpg.connect(
        cluster.admin_url, server_settings={"application_name": "elsewhere"}
    )
    try:
        async with other.transaction(isolation="repeatable_read"):
            await other.fetchval("SELECT count(*) FROM pg_class")
            assert await named(ctx, "elsewhere") == []
            await other.execute("SELECT pg_current_xact_id()")
            [holder] = await named(ctx, "elsewhere")
            assert holder.database == "postgres"
    finally:
        await other.close()


async def test_the_application_sees_no_statement_and_nobody_else_may_ask(
    ctx: AppContext, owner: asyncpg.Connection
) -> None:
    # What the function tells holds no text of a statement, and the role has no right of its own.
    assert not await ctx.database.pool.fetchval(
        "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER')"
    )
    assert await owner.fetchval(
        "SELECT NOT EXISTS (SELECT FROM pg_proc, aclexplode(proacl) AS a"
        " WHERE proname = 'old_snapshots' AND a.grantee = 0)"
    )


def held(kind: Kind, *, seconds: float | None, transactions: int, pid: int | None = 7) -> Holder:
    return Holder(kind, "dump", pid, "ann", "privata", seconds, transactions)


def test_a_snapshot_alarms_once_and_again_when_it_has_doubled() -> None:
    watch = SnapshotWatch(after_s=120)
    said = []
    for age in range(0, 1000, 15):
        alarm = watch.look([held(Kind.TRANSACTION, seconds=age, transactions=age)], now=age)
        if alarm is not None:
            said.append(alarm.seconds)
    assert said == [120, 240, 480, 960]
    # Its end is forgotten: the next one is told of anew.
    assert watch.look([], now=1000) is None
    assert watch.look([held(Kind.TRANSACTION, seconds=130, transactions=1)], now=1015) is not None


def test_what_has_no_time_of_its_own_is_timed_by_us_until_it_lets_go() -> None:
    watch = SnapshotWatch(after_s=60)
    slot = [held(Kind.SLOT, seconds=None, transactions=10, pid=None)]
    assert watch.look(slot, now=0) is None
    assert watch.look([held(Kind.SLOT, seconds=None, transactions=90, pid=None)], now=45) is None
    # It holds something younger now.
    assert watch.look([held(Kind.SLOT, seconds=None, transactions=5, pid=None)], now=70) is None
    assert watch.look([held(Kind.SLOT, seconds=None, transactions=50, pid=None)], now=100) is None
    alarm = watch.look([held(Kind.SLOT, seconds=None, transactions=70, pid=None)], now=131)
    assert alarm is not None
    assert alarm.seconds == 61


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (Kind.TRANSACTION, "pg_terminate_backend(7)"),
        (Kind.PREPARED, "ROLLBACK PREPARED 'dump'"),
        (Kind.SLOT, "pg_drop_replication_slot('dump')"),
        (Kind.STANDBY, "hot_standby_feedback"),
    ],
)
def test_each_kind_says_what_ends_it(kind: Kind, remedy: str) -> None:
    assert remedy in held(kind, seconds=1, transactions=1).remedy
