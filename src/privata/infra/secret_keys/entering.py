"""What every program does before it seals or opens anything: see whether its keys fit."""

from __future__ import annotations

from collections.abc import Sequence

from privata.core.errors import StartupError
from privata.infra.database.postgres import Database
from privata.infra.sealing import KeyMark
from privata.infra.secret_keys import store
from privata.infra.secret_keys.rules import KnownKey, refusal
from privata.infra.settings import Settings


async def enter(
    database: Database, marks: Sequence[KeyMark], chosen: Settings, *, stays: bool
) -> None:
    """Take part with these keys; `StartupError` where they do not fit the installation's.

    `stays`: a process that goes on running; a command leaves after its one task, and writes
    nothing down that is known already. That costs it one small statement.
    """
    source = key_source(chosen)
    if not stays and _nothing_new(marks, await _judged(database.pool, marks, source)):
        return
    async with database.transaction() as tx:
        # Two nodes with different keys may enter at once: the second one sees the first one's.
        await store.lock_keys(tx.connection)
        await _judged(tx.connection, marks, source)
        await store.record_keys(tx.connection, marks)


def key_source(chosen: Settings) -> str:
    """Where the keys of this process are set, for messages."""
    return "PRIVATA_SECRET_KEYS" if chosen.secret_keys else str(chosen.home / "secret.key")


async def _judged(
    executor: store.Executor, marks: Sequence[KeyMark], source: str
) -> list[KnownKey]:
    known = await store.known_keys(executor)
    refused = refusal(marks, known, source)
    if refused is not None:
        raise StartupError(refused)
    return known


def _nothing_new(marks: Sequence[KeyMark], known: Sequence[KnownKey]) -> bool:
    """Whether these keys are all known, and the first one as one that seals."""
    firsts = [key.mark for key in known if key.needed]
    return marks[0] in firsts and {mark.name for mark in marks} <= {key.mark.name for key in known}
