"""What every program does before it seals or opens anything: see whether its keys fit."""

from __future__ import annotations

from collections.abc import Sequence

from privata.core.errors import StartupError
from privata.infra.database.postgres import Database
from privata.infra.sealing import KeyMark
from privata.infra.secret_keys import store
from privata.infra.secret_keys.rules import KnownKey, refusal
from privata.infra.secret_keys.watching import KeyWatch
from privata.infra.settings import Settings


async def enter(
    database: Database,
    marks: Sequence[KeyMark],
    chosen: Settings,
    watch: KeyWatch | None = None,
) -> None:
    """Take part with these keys; `StartupError` where they do not fit the installation's.

    `watch` is that of a process that goes on running: others count on its keys from now on. A
    command leaves after its one task, and writes nothing down that is known already. That costs it
    one small statement.
    """
    source = key_source(chosen)
    known = await store.known_keys(database.pool)
    if watch is None and _nothing_new(marks, known):
        _require(refusal(marks, known, source))
        return
    async with database.transaction() as tx:
        # Two nodes with different keys may enter at once, or one with the old keys alone while
        # another puts a new one first: the second one sees what the first one recorded.
        await store.lock_keys(tx.connection)
        known = await store.known_keys(tx.connection)
        running = await store.running_processes(tx.connection)
        _require(refusal(marks, known, source, running))
        await store.record_keys(tx.connection, marks)
        if watch is not None:
            await store.forget_lapsed(tx.connection)
            await store.beat(tx.connection, watch.id, watch.label, marks, watch.skew_ms)


def key_source(chosen: Settings) -> str:
    """Where the keys of this process are set, for messages."""
    return "PRIVATA_SECRET_KEYS" if chosen.secret_keys else str(chosen.home / "secret.key")


def _require(refused: str | None) -> None:
    if refused is not None:
        raise StartupError(refused)


def _nothing_new(marks: Sequence[KeyMark], known: Sequence[KnownKey]) -> bool:
    """Whether these keys are all known, and the first one as one that seals."""
    firsts = [key.mark for key in known if key.needed]
    return marks[0] in firsts and {mark.name for mark in marks} <= {key.mark.name for key in known}
