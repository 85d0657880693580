"""Recognising a pooler that gives each transaction another session, such as PgBouncer's transaction
mode: what lives in a session (LISTEN, a prepared statement) does not survive it.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from privata.infra.database.watching import Connect

log = logging.getLogger(__name__)

#: URLs whose pooler forgets prepared statements: nothing is kept prepared there.
FORGETFUL: Final[set[str]] = set()

#: Seconds for each question. A pooler with a single session to spare lets the second one wait.
QUESTION_S: Final = 3.0

_SESSION: Final = "SELECT pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Pooler:
    """A pooler in transaction mode, and whether it carries prepared statements along."""

    keeps_statements: bool


async def is_direct(connection: Any) -> bool:
    """Whether the session is the one that the connection was greeted by: no pooler in between."""
    try:
        return bool(await connection.fetchval(_SESSION) == connection.get_server_pid())
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
        # Somebody else's statement has the name of ours: the session was theirs before.
        return False


async def transaction_pooler(connect: Connect) -> Pooler | None:
    """The pooler behind connections that `connect` makes; None where each keeps its session."""
    first = second = None
    try:
        first = await connect(command_timeout=QUESTION_S, statement_cache_size=0)
        second = await connect(command_timeout=QUESTION_S, statement_cache_size=0)
        name = f"privata_{secrets.token_hex(8)}"
        statement = await first.prepare(_SESSION, name=name)
        session = await statement.fetchval()
        for _ in range(3):
            # While the second holds a session of its own, the first has to do with another one.
            async with second.transaction():
                shared = await second.fetchval(_SESSION) == session
                moved = await statement.fetchval()
            if shared or moved != session:
                return Pooler(keeps_statements=True)
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
        return Pooler(keeps_statements=False)
    except TimeoutError:
        log.warning("a pooler stands before the database, and it could not be told of what kind")
    finally:
        for one in (first, second):
            if one is not None:
                with contextlib.suppress(Exception):
                    one.terminate()
    return None


def advice(pooler: Pooler, *, direct: bool) -> list[str]:
    """What an operator should set, one line each; `direct`: wake-ups have a URL of their own."""
    lines = []
    if not direct:
        lines.append(
            "PRIVATA_DATABASE_URL leads through a pooler in transaction mode: wake-ups are lost and"
            " work goes on by polling. Set PRIVATA_DATABASE_LISTEN_URL to the database itself"
            " (docs/database.md)."
        )
    if not pooler.keeps_statements:
        lines.append(
            "The pooler of PRIVATA_DATABASE_URL forgets prepared statements: every statement is"
            " planned anew. Use PgBouncer 1.21 or later with max_prepared_statements"
            " (docs/database.md)."
        )
    return lines
