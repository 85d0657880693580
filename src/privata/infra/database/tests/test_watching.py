"""Answers that never come, connections that cannot be had, and what is merely slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import psycopg
import pytest

from conftest import Cluster, wait_for
from privata.infra.database import for_django
from privata.infra.database.losses import lost_at
from privata.infra.database.postgres import Database
from privata.infra.settings import Settings
from tests.relay import Relay, relayed

#: What a caller sees of a connection that was given up.
AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


@pytest.fixture
async def line(settings: Settings) -> AsyncIterator[Relay]:
    assert settings.database_url is not None
    async with relayed(settings.database_url) as made:
        yield made


@pytest.fixture
async def database(line: Relay) -> AsyncIterator[Database]:
    made = await Database.connect(line.url, size=4)
    yield made
    await made.close()


async def _answers(database: Database) -> bool:
    try:
        return bool(await database.pool.fetchval("SELECT true"))
    except AWAY:
        return False


async def test_connections_that_the_network_forgot_are_replaced(
    database: Database, line: Relay
) -> None:
    """Nobody says that they are gone: the statement would wait out its timeout."""
    held = [await database.pool.acquire() for _ in range(3)]
    for one in held:
        await database.pool.release(one)
    line.forget()
    with pytest.raises(AWAY):
        await database.pool.fetchval("SELECT true")
    # The others were forgotten too, and are not tried one after the other.
    for _ in range(4):
        assert await database.pool.fetchval("SELECT true", timeout=2)


async def test_a_listener_that_the_network_forgot_hears_again(
    database: Database, line: Relay, settings: Settings
) -> None:
    async with database.listening("privata_test") as wakeups:
        assert await wakeups.get() is None
        line.forget()
        async with asyncio.timeout(60):
            assert await wakeups.get() is None, "everybody looks once"
        await wait_for(lambda: _answers(database))
        with psycopg.connect(str(settings.database_url), autocommit=True) as other:
            other.execute("NOTIFY privata_test, 'again'")
        assert await wakeups.get() == "again"


async def test_a_statement_that_is_slow_is_left_alone(database: Database, line: Relay) -> None:
    before = lost_at(line.url)
    assert await database.pool.fetchval("SELECT true FROM pg_sleep(5)")
    assert lost_at(line.url) == before


async def test_a_transaction_that_stands_still_is_left_alone(database: Database) -> None:
    async with database.transaction() as tx:
        await asyncio.sleep(5)
        assert await tx.connection.fetchval("SELECT true")


def _page_connection(url: str) -> Any:
    kind = for_django.pages_database(url, 1)["OPTIONS"]["pool"]["connection_class"]
    return kind.connect(for_django.conninfo(url), autocommit=True)


async def test_a_page_does_not_wait_for_a_server_that_forgot_it(
    database: Database, line: Relay
) -> None:
    page = await asyncio.to_thread(_page_connection, line.url)
    await asyncio.to_thread(page.execute, "SELECT 1")
    line.forget()
    with pytest.raises(psycopg.OperationalError):
        await asyncio.to_thread(page.execute, "SELECT 2")
    assert lost_at(line.url) > page.made_at
    page.close()


async def test_a_page_connection_from_before_a_loss_fails_its_trial(
    database: Database, line: Relay
) -> None:
    page = await asyncio.to_thread(_page_connection, line.url)
    line.cut()
    await wait_for(lambda: _answers(database))
    with pytest.raises(psycopg.OperationalError):
        await asyncio.to_thread(page.execute, "")


async def test_a_role_without_connections_to_spare_gets_one_later(
    settings: Settings, cluster: Cluster, database_name: str
) -> None:
    """Running out is no reason to end: whoever asks waits, and then may ask again."""
    url = cluster.app(database_name)
    database = await Database.connect(url, size=2)
    with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
        try:
            admin.execute("ALTER ROLE privata_app CONNECTION LIMIT 1")
            async with database.pool.acquire():
                asked = asyncio.create_task(database.pool.fetchval("SELECT true"))
                await asyncio.sleep(0.5)
                admin.execute("ALTER ROLE privata_app CONNECTION LIMIT -1")
                assert await asked
        finally:
            admin.execute("ALTER ROLE privata_app CONNECTION LIMIT -1")
    await database.close()


async def test_a_full_pool_is_a_database_that_is_away(database: Database) -> None:
    """Not a timeout without words: the caller answers 503."""
    held = [await database.pool.acquire() for _ in range(4)]
    with pytest.raises(ConnectionError, match="PRIVATA_POOL_SIZE"):
        await database.pool.fetchval("SELECT true")
    for one in held:
        await database.pool.release(one)
    assert await _answers(database)


async def test_round_trips_of_300_ms_are_enough(settings: Settings) -> None:
    assert settings.database_url is not None
    async with relayed(settings.database_url, delay_s=0.15) as far:
        database = await Database.connect(far.url, size=4)
        asked = [database.pool.fetchval("SELECT true") for _ in range(8)]
        assert await asyncio.gather(*asked) == [True] * 8
        async with database.listening("privata_test") as wakeups:
            assert await wakeups.get() is None
            database.wake("privata_test", "far")
            assert await wakeups.get() == "far"
        assert lost_at(far.url) == 0.0
        await database.close()
