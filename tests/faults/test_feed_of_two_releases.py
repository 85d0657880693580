"""The feed while a release that orders it by transactions is replaced by one that numbers it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from conftest import Cluster
from privata.core.tenancy import Environment, system_actor
from privata.dashboard.schema.grants import grant
from privata.events.feed import events_after
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.infra.settings import Settings

#: Brings the tables to each migration that it reads, as `events 0010`: one process, since to start
#: Django takes long.
_MIGRATOR = """
import sys
from privata.dashboard.database import boot
boot(sys.argv[1])
from django.core.management import call_command
for target in sys.stdin:
    call_command("migrate", *target.split(), verbosity=0)
    print("done", flush=True)
"""

#: The statement of the release before, without the deliveries.
_OLD_PUBLISH = """
INSERT INTO event (event_id, organization_id, environment, channel, type,
                   order_id, order_seq, body)
SELECT f.event_id, $1, 'test', 'ops', 'x', NULL, NULL, '{}'
FROM unnest($2::text[]) WITH ORDINALITY AS f(event_id, position)
ORDER BY f.position
"""

#: What it read its feed with, from the beginning.
_OLD_FEED = """
SELECT e.event_id
FROM event AS e
WHERE e.organization_id = $1 AND e.environment = 'test'
  AND (e.xid, e.seq) > ('0'::xid8, 0)
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.seq
LIMIT 100
"""


@asynccontextmanager
async def migrating(url: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Brings the tables to a migration of an app, as the owner."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _MIGRATOR, url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    source, sink = process.stdout, process.stdin
    assert source is not None
    assert sink is not None

    async def migrate(target: str) -> None:
        sink.write(f"{target}\n".encode())
        assert await source.readline() == b"done\n", target

    try:
        yield migrate
    finally:
        sink.close()
        await process.wait()


async def test_no_event_is_lost_while_both_releases_publish(
    cluster: Cluster, database_name: str, settings: Settings
) -> None:
    """A process of the release before goes on through the migrations, and after them."""
    owner_url, app_url = cluster.owner(database_name), cluster.app(database_name)
    old = await asyncpg.connect(app_url)
    beside = await asyncpg.connect(app_url)
    organization = uuid4()
    try:
        async with migrating(owner_url) as migrate:
            await migrate("events 0003")
            await old.execute(
                "INSERT INTO organization (id, name) VALUES ($1, 'Acme')", organization
            )
            async with old.transaction():
                await old.execute("SELECT pg_current_xact_id()")
                await beside.execute(_OLD_PUBLISH, organization, ["second"])
                await old.execute(_OLD_PUBLISH, organization, ["first"])
            await migrate("events 0004")
            # The new tables are not granted to anybody yet.
            await old.execute(_OLD_PUBLISH, organization, ["amid the migrations", "with another"])
            await migrate("events 0007")
            await old.execute(_OLD_PUBLISH, organization, ["by the old release"])
            expected = ["first", "second", "amid the migrations", "with another"]
            expected.append("by the old release")
            assert [row[0] for row in await old.fetch(_OLD_FEED, organization)] == expected
            assert "event_in_old_order" in await _plan(old, organization)
            # The present code needs the table of what is due as well.
            await migrate("webhooks")
            grant(owner_url, "privata_app")
            await old.execute(_OLD_PUBLISH, organization, ["by the old one into a month"])
            expected.append("by the old one into a month")
            assert [row[0] for row in await old.fetch(_OLD_FEED, organization)] == expected
            with pytest.raises(asyncpg.UniqueViolationError):
                await old.execute(_OLD_PUBLISH, organization, ["first"])
            expected.append("by the new one")
            await _publish(settings, app_url, organization, expected[-1])
            assert await _read(settings, app_url, organization) == expected
            # Back, where a place is a transaction again, and forth.
            await migrate("events 0003")
            assert [row[0] for row in await old.fetch(_OLD_FEED, organization)] == expected
            # The present code needs the table of what is due as well.
            await migrate("webhooks")
            grant(owner_url, "privata_app")
            assert await _read(settings, app_url, organization) == expected
    finally:
        await old.close()
        await beside.close()


async def _plan(connection: asyncpg.Connection, organization: UUID) -> str:
    """How the release before finds its page where there are too many events to read them all."""
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        rows = await connection.fetch(f"EXPLAIN {_OLD_FEED}", organization)
    return "\n".join(row[0] for row in rows)


async def _publish(settings: Settings, url: str, organization: UUID, name: str) -> None:
    ctx = await AppContext.open(settings, url)
    try:
        async with ctx.database.transaction() as tx:
            await publish(
                tx,
                organization_id=organization,
                environment=Environment.TEST,
                channel="ops",
                events=[NewEvent(name, "x", b"{}")],
            )
    finally:
        await ctx.close()


async def _read(settings: Settings, url: str, organization: UUID) -> list[str]:
    """The whole feed; its numbers have no gaps."""
    reader = system_actor(organization, Environment.TEST, "tests")
    ctx = await AppContext.open(settings, url)
    try:
        page = await events_after(ctx, actor=reader, after="0", limit=100)
    finally:
        await ctx.close()
    assert [one.seq for one in page.events] == list(range(1, len(page.events) + 1))
    return [one.event_id for one in page.events]
