"""What a running migration waits for and how far it is, read over a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Self

import psycopg

from privata.infra.database.for_django import conninfo

#: Gets a line of news.
Say = Callable[[str], None]

#: How long a migration is tried again because of a lock before it is given up, in seconds.
PATIENCE_S: Final = 600.0

#: Seconds between two looks; a wait for a lock ends after one, so each is seen.
LOOK_S: Final = 0.25

#: Seconds between two lines of news about one migration.
NEWS_S: Final = 10.0

#: Who holds what the backend waits for. Other roles' columns are NULL without pg_read_all_stats.
_HOLDERS = """
SELECT h.pid, h.usename, h.application_name, h.state,
       extract(epoch FROM clock_timestamp() - h.xact_start)::int
FROM unnest(pg_blocking_pids(%s)) AS p JOIN pg_stat_activity AS h ON h.pid = p ORDER BY h.xact_start
"""

_PROGRESS = """
SELECT i.relname, p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total
FROM pg_stat_progress_create_index AS p LEFT JOIN pg_class AS i ON i.oid = p.index_relid
WHERE p.pid = %s
"""


class Watch:
    """Looks after the backend `pid` while its block runs; says how far a long index is."""

    def __init__(self, url: str, pid: int, say: Say) -> None:
        self._url = url
        self._pid = pid
        self._say = say
        self._holders = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="migration-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def holders(self) -> str:
        """Who held the lock that was waited for last; forgets it."""
        seen, self._holders = self._holders, ""
        return seen

    def _look(self) -> None:
        try:
            with psycopg.connect(conninfo(self._url), autocommit=True) as connection:
                said = time.monotonic()
                while not self._over.wait(LOOK_S):
                    rows = connection.execute(_HOLDERS, (self._pid,)).fetchall()
                    if rows:
                        self._holders = " and ".join(_holder(*row) for row in rows)
                    progress = connection.execute(_PROGRESS, (self._pid,)).fetchone()
                    if progress and time.monotonic() - said >= NEWS_S:
                        said = time.monotonic()
                        self._say(_how_far(*progress))
        except psycopg.Error as error:
            # The migration goes on without news; it meets what is wrong with the server itself.
            self._say(f"cannot watch the migration: {str(error).strip().splitlines()[0]}")


def _holder(
    pid: int, role: str | None, program: str | None, state: str | None, seconds: int | None
) -> str:
    about = [role or "", program or "", state or ""]
    if seconds is not None:
        about.append(f"in its transaction for {seconds} s")
    told = ", ".join(part for part in about if part)
    return f"process {pid} ({told})" if told else f"process {pid}"


def _how_far(
    index: str | None, phase: str, blocks: int, all_blocks: int, rows: int, all_rows: int
) -> str:
    done, total = (rows, all_rows) if all_rows else (blocks, all_blocks)
    share = f", {100 * done // total} %" if total else ""
    return f"index {index or 'without a name yet'}: {phase}{share}"
