"""Bringing the schema up to date, once, whoever asks first.

The owner's role runs the migrations under a lock in the database, then gives the application's
role what it needs and nothing more. Programs that find everything applied do not take the lock.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import psycopg
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from privata.core.errors import StartupError
from privata.dashboard.grants import grant
from privata.infra.database.for_django import conninfo, django_database

log = logging.getLogger(__name__)

#: Any constant will do; it names the lock of schema changes in this database.
LOCK_KEY = 0x5052_4956

OWNER = "owner"

#: How long one statement of a migration waits for another's table lock before it gives up.
LOCK_TIMEOUT = "10s"


def pending(alias: str = "default") -> list[str]:
    """The names of migrations that are not applied."""
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def migrate(owner_url: str, app_role: str) -> list[str]:
    """Apply what is pending and set the grants; the names of what was applied.

    Django must be booted. `StartupError` if the owner cannot connect.
    """
    with _owner_connection(owner_url), _lock(owner_url):
        applied = pending(OWNER)
        if applied:
            call_command("migrate", database=OWNER, interactive=False, verbosity=0)
            log.info("applied %d migrations", len(applied))
        grant(owner_url, app_role)
    return applied


def require_migrated() -> None:
    """`StartupError` where the schema is behind the code, or the database out of reach."""
    try:
        missing = pending()
    except OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise StartupError(f"The database cannot be reached: {first}") from None
    if missing:
        raise StartupError(
            f"The database is missing {len(missing)} migrations ({missing[0]} first): "
            "run `privata migrate`."
        )


def require_utf8(url: str) -> None:
    """`StartupError` for a database out of reach, or one that cannot hold every text."""
    try:
        with psycopg.connect(conninfo(url)) as connection:
            row = connection.execute(
                "SELECT current_database(), current_setting('server_encoding')"
            ).fetchone()
    except psycopg.Error as error:
        first = str(error).strip().splitlines()[0]
        if "startup parameter" in first:
            first += "; set ignore_startup_parameters in the pooler (docs/database.md)"
        raise StartupError(f"The database cannot be reached: {first}") from None
    assert row is not None
    if row[1] != "UTF8":
        raise StartupError(
            f"The database {row[0]} has the encoding {row[1]}, which cannot hold every text."
            " Create one with `CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'`"
            " (docs/self-hosting.md)."
        )


def require_plain_role(app_url: str) -> None:
    """`StartupError` if the application's role could undo the audit log's protection."""
    with psycopg.connect(conninfo(app_url)) as connection:
        row = connection.execute(
            "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
            " EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            "         WHERE c.relname = 'audit_entry' AND r.rolname = current_user)"
        ).fetchone()
    assert row is not None
    if row[0] or row[1]:
        raise StartupError(
            "PRIVATA_DATABASE_URL names a superuser or the owner of the tables. "
            "Give the application a role that owns nothing (docs/self-hosting.md)."
        )


@contextlib.contextmanager
def _owner_connection(owner_url: str) -> Iterator[None]:
    connections.settings[OWNER] = connections.configure_settings(
        {"default": {}, OWNER: django_database(owner_url)}
    )[OWNER]
    try:
        yield
    finally:
        connections[OWNER].close()
        del connections[OWNER]
        del connections.settings[OWNER]


@contextlib.contextmanager
def _lock(owner_url: str) -> Iterator[None]:
    try:
        connection = psycopg.connect(conninfo(owner_url), autocommit=True)
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise StartupError(f"The database cannot be reached: {first}") from None
    with connection:
        # A session lock: it ends with this connection, also when the program is killed.
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        yield
