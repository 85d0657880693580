"""Whether a database has all migrations of the code, asked without starting Django.

To start Django and to load its migrations costs a command longer than most of its work, and almost
every time there is nothing to apply.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import psycopg

from privata.dashboard.applications import INSTALLED
from privata.infra.database.for_django import conninfo


def has_all_migrations(url: str) -> bool:
    """Whether nothing is pending and nothing unknown is applied.

    False also where the database cannot tell: whoever asks Django then gets the error with its
    reason.
    """
    try:
        with psycopg.connect(conninfo(url)) as connection:
            rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    except psycopg.Error:
        return False
    needed = migrations_of_the_code()
    applied = {(app, name) for app, name in rows}
    labels = {app for app, _ in needed}
    # None: an installation without source files, which Django has to judge.
    return bool(needed) and needed == {one for one in applied if one[0] in labels}


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
