"""Whether a database has all migrations of the code, asked without starting Django.

To start Django and to load its migrations costs a command longer than most of its work, and almost
every time there is nothing to apply.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import asyncpg
import psycopg

from privata.core.plurals import plural
from privata.dashboard.applications import INSTALLED
from privata.infra.database.for_django import conninfo
from privata.infra.readiness import Check

#: How often a running program compares the schema with its code, seconds.
COMPARED_EVERY_S: Final = 10.0

_APPLIED: Final = "SELECT app, name FROM django_migrations"


def has_all_migrations(url: str) -> bool:
    """Whether nothing is pending and nothing unknown is applied.

    False also where the database cannot tell: whoever asks Django then gets the error with its
    reason.
    """
    try:
        with psycopg.connect(conninfo(url)) as connection:
            rows = connection.execute(_APPLIED).fetchall()
    except psycopg.Error:
        return False
    needed = migrations_of_the_code()
    applied = {(app, name) for app, name in rows}
    labels = {app for app, _ in needed}
    # None: an installation without source files, which Django has to judge.
    return bool(needed) and needed == {one for one in applied if one[0] in labels}


def schema_check() -> Check:
    """Whether the schema is the one of the code.

    A newer one is a failure only where it was there first: while a release is rolled out, the
    programs of the one before go on.
    """
    needed = migrations_of_the_code()
    labels = {app for app, _ in needed}
    ours: set[tuple[str, str]] | None = None

    async def ask(connection: asyncpg.Connection[asyncpg.Record]) -> str | None:
        nonlocal ours
        rows = await connection.fetch(_APPLIED)
        # Other applications' rows are not ours to judge: one that was taken out leaves them behind.
        applied = {(row["app"], row["name"]) for row in rows if row["app"] in labels}
        if missing := sorted(needed - applied):
            return (
                "the schema is older than this release:"
                f" {plural(len(missing), 'migration')} missing ({'.'.join(missing[0])} first)"
            )
        ours = needed if ours is None else ours | applied
        if ours is needed and (unknown := sorted(applied - needed)):
            ours = None
            return (
                "the schema is newer than this release:"
                f" it has {plural(len(unknown), 'more migration')} ({'.'.join(unknown[0])} first)"
            )
        return None

    return Check("schema", ask, COMPARED_EVERY_S)


def migrations_of_the_code() -> set[tuple[str, str]]:
    """Label and name of each migration of each installed application, by its files.

    A label is the last part of the application's name, as in all of ours and of Django's.
    """
    found = set()
    for application in INSTALLED:
        spec = find_spec(application)
        folders = spec.submodule_search_locations if spec else None
        for folder in folders or ():
            label = application.rpartition(".")[2]
            files = (Path(folder) / "migrations").glob("[0-9]*.py")
            found |= {(label, file.stem) for file in files}
    return found
