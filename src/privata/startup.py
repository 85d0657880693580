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
from privata.dashboard.database import boot
from privata.dashboard.schema.applied import has_all_migrations
from privata.dashboard.schema.watching import PATIENCE_S, Say
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.database.address import DatabaseAddress, parse_address
from privata.infra.database.urls import DatabaseUrls, database_urls
from privata.infra.ending import Stop, within
from privata.infra.secret_keys.entering import enter, key_source
from privata.infra.settings import Settings, settings
from privata.wiring import wire

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds for giving the connections back at the end: the database may be frozen.
CLOSE_S: Final = 0.5


def migrate_schema(chosen: Settings, *, say: Say, patience_s: float) -> list[str]:
    """Bring the schema up to date as the owner; the names of applied migrations.

    `say` gets lines of news; a lock that somebody holds is waited for `patience_s` at most.
    """
    urls = database_urls(chosen)
    return _prepare(urls, migrate=True, say=say, patience_s=patience_s)


def _prepare(
    urls: DatabaseUrls,
    *,
    migrate: bool,
    say: Say = log.info,
    patience_s: float = PATIENCE_S,
) -> list[str]:
    """Boot Django on the database and see to the schema; the names of applied migrations.

    With `migrate` the schema is brought up to date, otherwise one that is behind or ahead of the
    code is a `StartupError`.
    """
    address = _parse(urls)
    wire()
    boot(urls.app)
    # Django must be booted before its models and commands can be imported.
    from privata.dashboard.schema import fitness
    from privata.dashboard.schema import migrate as schema

    fitness.require_writable(
        urls.owner if migrate else urls.app,
        "PRIVATA_DATABASE_OWNER_URL"
        if migrate and urls.owner != urls.app
        else "PRIVATA_DATABASE_URL",
    )
    schema.require_utf8(urls.owner if migrate else urls.app)
    if migrate:
        return schema.migrate(urls.owner, address.user, say=say, patience_s=patience_s)
    fitness.require_rights(urls.app)
    schema.require_migrated(urls.app)
    return []


def _parse(urls: DatabaseUrls) -> DatabaseAddress:
    parse_address(urls.owner, "PRIVATA_DATABASE_OWNER_URL")
    listen_url = settings().database_listen_url
    if listen_url is not None:
        parse_address(listen_url, "PRIVATA_DATABASE_LISTEN_URL")
    return parse_address(urls.app)


def run(work: Callable[[AppContext], Awaitable[None]]) -> None:
    """Run a program until it ends or is told to stop (SIGINT, SIGTERM)."""
    chosen = settings()
    urls = database_urls(chosen)
    _prepare(urls, migrate=chosen.development)
    if not chosen.development:
        from privata.dashboard.schema.migrate import require_plain_role

        require_plain_role(urls.app)
    uvloop.run(_until_told(work, chosen, urls))


def run_once(
    work: Callable[[AppContext], Awaitable[T]], *, django: bool = False, any_keys: bool = False
) -> T:
    """Run one task on the database and return what it returns; with `django` it may use Django.

    `any_keys` is for a task that neither seals nor opens: it runs also where a secret key is lost.

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
        ctx = await _open(chosen, urls, any_keys=any_keys, stays=False)
        try:
            return await work(ctx)
        finally:
            await ctx.close()

    return uvloop.run(once())


async def _until_told(
    work: Callable[[AppContext], Awaitable[None]], chosen: Settings, urls: DatabaseUrls
) -> None:
    ctx = await _open(chosen, urls, stays=True)
    await _tell_generation(ctx)
    task = asyncio.ensure_future(_watched(work, ctx))
    Stop(task, chosen.drain_seconds).listen()
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")
    finally:
        await within(CLOSE_S, ctx.close(), "closing the database connections")
        ctx.database.pool.terminate()  # what still hangs gets an error


async def _watched(work: Callable[[AppContext], Awaitable[None]], ctx: AppContext) -> None:
    source = key_source(ctx.settings)
    async with ctx.keys.watching(ctx.database, ctx.sealer.marks, source):
        await work(ctx)


async def _tell_generation(ctx: AppContext) -> None:
    """Say so when the database was restored or taken over and nobody has confirmed it."""
    try:
        found = await generation.note(ctx.database)
    except asyncpg.PostgresError as error:  # a standby, a read-only database: others say so
        log.warning("the database's generation cannot be noted: %s", error)
        return
    if found.warning is not None:
        log.error("%s", found.warning)


async def _open(
    chosen: Settings, urls: DatabaseUrls, *, stays: bool, any_keys: bool = False
) -> AppContext:
    try:
        ctx = await AppContext.open(chosen, urls.app)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartupError(f"The database cannot be reached: {error or type(error)}") from error
    if any_keys:
        return ctx
    try:
        await enter(ctx.database, ctx.sealer.marks, chosen, ctx.keys if stays else None)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        await ctx.close()
        raise StartupError(
            f"The secret keys cannot be compared with the database: {error or type(error)}"
        ) from error
    except BaseException:
        await ctx.close()
        raise
    return ctx
