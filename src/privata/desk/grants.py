"""What the application's role may do; it owns nothing.

Two tables are append-only for it: the audit log and the event log. Everything else it may read and
write, and nothing may it truncate, alter or drop.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from privata.core.errors import StartupError

APPEND_ONLY = ("audit_entry", "event")


def grant(owner_url: str, app_role: str) -> None:
    """Give `app_role` exactly its privileges, in one transaction; does nothing for the owner."""
    with psycopg.connect(owner_url) as connection:
        owner = connection.execute("SELECT current_user").fetchone()
        if owner is None or owner[0] == app_role:
            return
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (app_role,))
        if known.fetchone() is None:
            raise StartupError(
                f"The role {app_role} of PRIVATA_DATABASE_URL does not exist in the database."
            )
        role = sql.Identifier(app_role)
        for statement in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
            "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
        ):
            connection.execute(sql.SQL(statement).format(role=role))
        for table in APPEND_ONLY:
            connection.execute(
                sql.SQL("REVOKE ALL ON {table} FROM {role}").format(
                    table=sql.Identifier(table), role=role
                )
            )
            columns = _insertable(connection, table)
            connection.execute(
                sql.SQL("GRANT SELECT, INSERT ({columns}) ON {table} TO {role}").format(
                    columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                    table=sql.Identifier(table),
                    role=role,
                )
            )


def _insertable(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    """Every column but the identity: entries cannot be given a forged number."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attidentity = ''",
        (table,),
    ).fetchall()
    return [str(row[0]) for row in rows]
