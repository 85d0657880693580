"""What the application's role may do; it owns nothing.

The logs of events and of the audit, the numbers of events, the entries of the ledger and the
database's generations are append-only for it; what keeps the audit's chain, what the ledger's
balances are, and every view it may only read. Everything else it may read and write, and nothing
may it truncate, alter or drop. The role of the audit log's retention, where there is one, may read
that log and take out months.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from privata.core.errors import StartupError
from privata.infra.database.for_django import conninfo

#: Tables it may insert into and read, and the columns of them that the database fills itself.
APPEND_ONLY: dict[str, frozenset[str]] = {
    "audit_entry": frozenset({"id", "at", "seq", "previous_hash", "hash"}),
    "audit_checkpoint": frozenset({"at"}),
    "database_generation": frozenset({"at"}),
    "event": frozenset({"seq"}),
    "event_key": frozenset(),
    "event_position": frozenset(),
    "ledger_entry": frozenset({"id", "at"}),
    "ledger_posting": frozenset(),
    "ledger_earning": frozenset({"at"}),
}

#: Tables it may only read.
READ_ONLY = ("audit_head", "audit_archive", "audit_archived_run", "ledger_account")

#: Views, which it may only read: a row is written through its table, by the room that owns it.
_VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = 'public'"

#: The role that runs the retention of the audit log (docs/audit.md).
RETENTION_ROLE = "privata_retention"

_DETACH = "audit_detach_partition(date, bigint, text, bytea, boolean)"
#: Months of the logs, those that were taken out of the audit log included: a log is written through
#: its table alone.
_MONTHS = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    r" AND (relname LIKE 'audit\_entry\_%'"
    " OR relname ~ '^event(_key)?_(past|future|[0-9]{4}_[0-9]{2})$')"
)


def _unknown(app_role: str) -> str:
    if not app_role:
        return (
            "PRIVATA_DATABASE_URL names no user: write it as"
            " postgresql://user:password@host:5432/database."
        )
    return f"The role {app_role} of PRIVATA_DATABASE_URL does not exist in the database."


def grant(owner_url: str, app_role: str) -> None:
    """Give `app_role` exactly its privileges, in one transaction; does nothing for the owner."""
    with psycopg.connect(conninfo(owner_url)) as connection:
        owner = connection.execute("SELECT current_user").fetchone()
        if owner is None or owner[0] == app_role:
            return
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (app_role,))
        if known.fetchone() is None:
            raise StartupError(_unknown(app_role))
        role = sql.Identifier(app_role)
        for statement in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
            "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
        ):
            connection.execute(sql.SQL(statement).format(role=role))
        for (month,) in connection.execute(_MONTHS).fetchall():
            connection.execute(
                sql.SQL("REVOKE ALL ON {table} FROM {role}").format(
                    table=sql.Identifier(str(month)), role=role
                )
            )
        # Views of others may be there, with any name.
        views = [str(name) for (name,) in connection.execute(_VIEWS).fetchall()]
        for table in (*READ_ONLY, *views):
            connection.execute(
                sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {table} FROM {role}").format(
                    table=sql.Identifier(table), role=role
                )
            )
        for statement in (
            "REVOKE ALL ON SEQUENCE audit_entry_id FROM {role}",
            "GRANT EXECUTE ON FUNCTION audit_make_partitions() TO {role}",
            "GRANT EXECUTE ON FUNCTION make_months(text, integer) TO {role}",
            "GRANT EXECUTE ON FUNCTION drop_month(text, date) TO {role}",
            "GRANT EXECUTE ON FUNCTION forget_numbers(uuid, date, integer) TO {role}",
            "GRANT EXECUTE ON FUNCTION old_snapshots() TO {role}",
            "GRANT EXECUTE ON FUNCTION database_identity() TO {role}",
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
        _grant_retention(connection)


def _grant_retention(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """The retention's role, if the operator made one: it reads and detaches, it writes nothing."""
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (RETENTION_ROLE,))
    if known.fetchone() is None:
        return
    role = sql.Identifier(RETENTION_ROLE)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT ON audit_entry, audit_archive, audit_archived_run TO {role}",
        f"GRANT EXECUTE ON FUNCTION {_DETACH} TO {{role}}",
    ):
        connection.execute(sql.SQL(statement).format(role=role))


def _insertable(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    """Every column but what the database fills: entries cannot be given a forged number."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attidentity = ''",
        (table,),
    ).fetchall()
    return [str(row[0]) for row in rows if row[0] not in APPEND_ONLY[table]]
