"""Whether a program can work on the database it was given: asked at the start, told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psycopg
from django.apps import apps

from privata.core.errors import StartupError
from privata.dashboard.schema.grants import APPEND_ONLY, READ_ONLY
from privata.infra.database.for_django import conninfo

_WRITABLE: Final = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"

# A table that is not there yet is the migrations' business. Append-only tables are granted column
# by column.
_LACKING: Final = """
SELECT privilege, name FROM unnest(%s::text[], %s::text[]) AS wanted(privilege, name)
WHERE to_regclass(quote_ident(name)) IS NOT NULL
  AND NOT CASE WHEN privilege = 'INSERT' THEN has_any_column_privilege(quote_ident(name), privilege)
               ELSE has_table_privilege(quote_ident(name), privilege) END
ORDER BY name, privilege
"""

_SCHEMA: Final = "SELECT current_user, has_schema_privilege('public', 'USAGE')"

_GRANTED_BY: Final = "Run `privata migrate` as the owner, which grants them."


def require_writable(url: str, setting: str) -> None:
    """`StartupError` for a standby, and for a database that accepts only reads.

    `setting` is the variable that holds `url`. One out of reach is left to the next check.
    """
    # A connection is kept only where it may write, so whoever gets none asks for any.
    row = _writable(conninfo(url)) or _writable(f"{conninfo(url)} target_session_attrs=any")
    if row is None:
        return
    if row[0]:
        raise StartupError(
            f"The database of {setting} is a standby, which accepts no writes. Name the primary,"
            " or all hosts (`host1:5432,host2:5432`); Privata uses the one that accepts writes."
        )
    if row[1]:
        raise StartupError(
            f"The database of {setting} accepts only reads (default_transaction_read_only is on)."
            " Turn that off for the database and its role, or name another database."
        )


def _writable(target: str) -> tuple[bool, bool] | None:
    """Whether it is in recovery and whether it only reads; None if it is out of reach."""
    try:
        with psycopg.connect(target) as connection:
            row: tuple[bool, bool] | None = connection.execute(_WRITABLE).fetchone()
    except psycopg.Error:
        return None
    return row


def require_rights(url: str) -> None:
    """`StartupError` where the application's role lacks a privilege; names the first.

    Django must be booted: its models name the tables. One out of reach is left to the next check.
    """
    wanted = sorted(_wanted())
    try:
        with psycopg.connect(conninfo(url)) as connection:
            schema = connection.execute(_SCHEMA).fetchone()
            lacking = connection.execute(
                _LACKING, ([one for one, _ in wanted], [name for _, name in wanted])
            ).fetchall()
    except psycopg.OperationalError:
        return
    assert schema is not None
    role, usage = schema
    whose = f"The role {role} of PRIVATA_DATABASE_URL lacks"
    if not usage:
        raise StartupError(f"{whose} USAGE on the schema public. {_GRANTED_BY}")
    if lacking:
        privilege, name = lacking[0]
        more = f" and {len(lacking) - 1} more privileges" if len(lacking) > 1 else ""
        raise StartupError(f"{whose} {privilege} on {name}{more}. {_GRANTED_BY}")


def _wanted() -> Iterator[tuple[str, str]]:
    """Privilege and table, as `grants` gives them."""
    yield "SELECT", "django_migrations"
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        privileges = {"SELECT"} if table in READ_ONLY else {"SELECT", "INSERT", "UPDATE", "DELETE"}
        if table in APPEND_ONLY:
            privileges = {"SELECT", "INSERT"}
        yield from ((privilege, table) for privilege in privileges)
