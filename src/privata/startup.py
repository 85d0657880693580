"""What happens before a program of Privata does its work: database, schema, Django, application
context."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg
import uvloop

from privata.core.errors import StartupError
from privata.dashboard.applied import has_all_migrations
from privata.dashboard.database import boot
from privata.infra.context import AppContext
from privata.infra.database.address import DatabaseAddress, parse_address
from privata.infra.database.urls import DatabaseUrls, database_urls
from privata.infra.ending import Stop, within
from privata.infra.settings import Settings, settings
from privata.wiring import wire

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds for giving the connections back at the end: the database may be frozen.
CLOSE_S: Final = 0.5


def prepare_schema(chosen: Settings, *, migrate: bool) -> list[str]:
    """Boot Django on the database and see to the schema; the names of applied migrations.

    With `migrate` the schema is brought up to date, otherwise a schema that is behind is a
    `StartupError`.
    """
    return _prepare(database_urls(chosen), migrate=migrate)


def _prepare(urls: DatabaseUrls, *, migrate: bool) -> list[str]:
    address = _parse(urls)
    wire()
    boot(urls.app)
    # Django must be booted before its models and commands can be imported.
    from privata.dashboard import connections
    from privata.dashboard import migrate as schema

    schema.require_utf8(urls.owner if migrate else urls.app)
    if migrate:
        return schema.migrate(urls.owner, address.user)
    try:
        schema.require_migrated()
    finally:
        connections.close_pool()  # most programs never need it again; pages open it anew
    return []


def _parse(urls: DatabaseUrls) -> DatabaseAddress:
    parse_address(urls.owner, "PRIVATA_DATABASE_OWNER_URL")
    return parse_address(urls.app)


def run(work: Callable[[AppContext], Awaitable[None]]) -> None:
    """Run a program until it ends or is told to stop (SIGINT, SIGTERM)."""
    chosen = settings()
    urls = database_urls(chosen)
    _prepare(urls, migrate=chosen.development)
    if not chosen.development:
        from privata.dashboard.migrate import require_plain_role

        require_plain_role(urls.app)
    uvloop.run(_until_told(work, chosen, urls))


def run_once(work: Callable[[AppContext], Awaitable[T]], *, django: bool = False) -> T:
    """Run one task on the database and return what it returns; with `django` it may use Django.

    Without it Django is started only where migrations are missing: that takes twice as long as
    everything else a command does.
    """
    chosen = settings()
    urls = database_urls(chosen)
    if django or not has_all_migrations(urls.app):
        _prepare(urls, migrate=chosen.development)
    else:
        _parse(urls)
        wire()

    async def once() -> T:
        ctx = await _open(chosen, urls)
        try:
            return await work(ctx)
        finally:
            await ctx.close()

    return uvloop.run(once())


async def _until_told(
    work: Callable[[AppContext], Awaitable[None]], chosen: Settings, urls: DatabaseUrls
) -> None:
    ctx = await _open(chosen, urls)
    task = asyncio.ensure_future(work(ctx))
    Stop(task, chosen.drain_seconds).listen()
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")
    finally:
        await within(CLOSE_S, ctx.close(), "closing the database connections")
        ctx.database.pool.terminate()  # what still hangs gets an error


async def _open(chosen: Settings, urls: DatabaseUrls) -> AppContext:
    try:
        return await AppContext.open(chosen, urls.app)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartupError(f"The database cannot be reached: {error or type(error)}") from error
