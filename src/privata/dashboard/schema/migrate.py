"""Bringing the schema up to date, once, whoever asks first.

The owner's role runs the migrations under a lock in the database, then gives the application's
role what it needs and nothing more. Programs that find everything applied do not take the lock.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

import psycopg
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from privata.core.errors import StartupError
from privata.core.plurals import plural
from privata.dashboard.applications import INSTALLED
from privata.dashboard.schema.applying import apply_all
from privata.dashboard.schema.grants import grant
from privata.dashboard.schema.watching import PATIENCE_S, Say
from privata.infra.database.for_django import conninfo, django_database

log = logging.getLogger(__name__)

#: Any constant will do; it names the lock of schema changes in this database.
LOCK_KEY = 0x5052_4956

#: Seconds between two tries to get that lock.
LOCK_ASKED_EVERY_S = 0.25

_TRY_LOCK = "SELECT pg_try_advisory_lock(%s)"

#: Connections of their own, for as long as they are needed. A pool would try for seconds to open
#: one, and say so again and again.
OWNER = "owner"
STARTING = "starting"


def pending(alias: str) -> list[str]:
    """The names of migrations that are not applied.

    `StartupError` where the schema has migrations that this code does not know.
    """
    executor = MigrationExecutor(connections[alias])
    _refuse_newer(executor)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _refuse_newer(executor: MigrationExecutor) -> None:
    """This code may break on a newer schema, and a newer schema by this code."""
    ours = {name.rpartition(".")[2] for name in INSTALLED if name.startswith("privata.")}
    known = set(executor.loader.disk_migrations)
    known |= {key for one in executor.loader.disk_migrations.values() for key in one.replaces}
    unknown = sorted(
        key for key in executor.loader.applied_migrations if key[0] in ours and key not in known
    )
    if unknown:
        raise StartupError(
            f"The database was migrated by a newer release: this one does not know"
            f" {'.'.join(unknown[-1])}. Start that release."
        )


def migrate(
    owner_url: str, app_role: str, *, say: Say = log.info, patience_s: float = PATIENCE_S
) -> list[str]:
    """Apply what is pending and set the grants; the names of what was applied.

    Django must be booted. `say` gets a line for each migration, each wait, and every few seconds
    of a long one. `StartupError` if the owner cannot connect, if a lock was not to be had in
    `patience_s`, or if the schema is newer than this code.
    """
    with _connection(OWNER, owner_url), _lock(owner_url, say):
        applied = pending(OWNER)
        if applied:
            apply_all(OWNER, owner_url, say, patience_s=patience_s)
            log.info("applied %d migrations", len(applied))
        grant(owner_url, app_role)
    return applied


def require_migrated(url: str) -> None:
    """`StartupError` where the schema is not the code's, or the database out of reach."""
    try:
        with _connection(STARTING, url):
            missing = pending(STARTING)
    except OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise StartupError(f"The database cannot be reached: {first}") from None
    if missing:
        raise StartupError(
            f"The database is missing {plural(len(missing), 'migration')} ({missing[0]} first): "
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
def _connection(alias: str, url: str) -> Iterator[None]:
    """Have Django know a database by this alias."""
    connections.settings[alias] = connections.configure_settings(
        {"default": {}, alias: django_database(url)}
    )[alias]
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


@contextlib.contextmanager
def _lock(owner_url: str, say: Say) -> Iterator[None]:
    try:
        connection = psycopg.connect(conninfo(owner_url), autocommit=True)
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise StartupError(f"The database cannot be reached: {first}") from None
    with connection:
        # A session lock: it ends with this connection, also when the program is killed.
        # Asked for again and again: a statement that waited would keep its snapshot, and an index
        # that is built concurrently waits for older ones, so the two would wait for each other.
        waited = False
        while connection.execute(_TRY_LOCK, (LOCK_KEY,)).fetchone() != (True,):
            if not waited:
                say("another program is migrating this database; waiting until it has finished")
            waited = True
            time.sleep(LOCK_ASKED_EVERY_S)
        yield
