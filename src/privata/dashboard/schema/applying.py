"""Applying migrations to a database in use: short waits for locks, more tries, news on the way.

A statement that waits for a table's lock holds up everybody who comes after it, so it gives up
after `LOCK_TIMEOUT_S`, those behind it pass, and the migration is tried again after a pause. What
was applied before it stays applied.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import call_command
from django.core.management.commands.migrate import Command
from django.db import OperationalError, connections
from django.db.migrations import Migration
from psycopg import sql

from privata.core.errors import StartupError
from privata.dashboard.schema.watching import PATIENCE_S, Say, Watch

#: How long one statement of a migration waits for a lock; readers and writers wait as long.
LOCK_TIMEOUT_S = 1

#: The pause between two tries, in seconds: those who queued behind the last one get through.
PAUSE_S = 4.0


class GaveUpWaiting(StartupError):
    """Somebody holds a lock that a migration needs, and did so for all of the tries."""


def apply_all(
    alias: str, url: str, say: Say, *, pause_s: float = PAUSE_S, patience_s: float = PATIENCE_S
) -> None:
    """Apply every pending migration over the connection `alias`, whose URL is `url`.

    `GaveUpWaiting` when a lock was not free for `patience_s`.
    """
    until = time.monotonic() + patience_s
    with Watch(url, _backend(alias), say) as watch:
        command = _Migrate(alias, say)
        while not _applied(command):
            holders = watch.holders() or "somebody whom this role may not see"
            if time.monotonic() + pause_s > until:
                raise GaveUpWaiting(
                    f"Migration {command.current} was not applied: for {patience_s:.0f} seconds a"
                    f" lock that it needs was held by {holders}. End that transaction, then run"
                    " `privata migrate` again. Migrations before it are applied."
                )
            say(f"{command.current}: {holders} holds a lock; trying again in {pause_s:.0f} s")
            time.sleep(pause_s)


def _applied(command: _Migrate) -> bool:
    """Whether all is applied; False if a lock was not to be had."""
    try:
        call_command(command, database=command.alias, interactive=False, verbosity=0)
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True


class _Migrate(Command):
    """Django's command, which says what it does and bounds each wait for a lock."""

    def __init__(self, alias: str, say: Say) -> None:
        super().__init__()
        self.alias = alias
        self.say = say
        self.current = "none"
        self._began = 0.0

    def migration_progress_callback(
        self, action: str, migration: Any = None, fake: bool = False
    ) -> None:
        if action == "apply_start":
            self.current = f"{migration.app_label}.{migration.name}"
            self._began = time.monotonic()
            _bound_waits(self.alias, migration)
        elif action == "apply_success":
            self.say(f"{self.current} applied in {time.monotonic() - self._began:.1f} s")


def _bound_waits(alias: str, migration: Migration) -> None:
    """Set the lock timeout for one migration.

    What runs outside of a transaction is `CREATE INDEX CONCURRENTLY` and its like, which waits for
    older transactions and holds up nobody meanwhile; cut short it would leave an invalid index.
    """
    timeout_s = LOCK_TIMEOUT_S if migration.atomic else 0
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{timeout_s}s"])
        for operation in migration.operations:
            if isinstance(operation, AddIndexConcurrently):
                _drop_left_over(cursor, operation.index.name)


def _drop_left_over(cursor: Any, index: str) -> None:
    """Drop the invalid index that a killed `CREATE INDEX CONCURRENTLY` left behind."""
    cursor.execute(
        "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid",
        [f'"{index}"'],
    )
    if cursor.fetchone():
        name = sql.Identifier(index)
        cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {name}").format(name=name))


def _backend(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
