"""The installation's secret keys and what hangs on each, as the operator sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from privata.core.clock import iso
from privata.infra.context import AppContext
from privata.infra.secret_keys import store
from privata.infra.secret_keys.columns import Use, sealed_uses
from privata.infra.secret_keys.redigesting import digest_uses
from privata.infra.secret_keys.rules import Process


@dataclass(frozen=True, slots=True)
class KeyState:
    """`state`: seals (the installation's first key), sealed (an earlier one), opens (a new one that
    was never first), retired."""

    shown: str
    state: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """Every key, the oldest first, the processes that run, and what hangs on each key."""

    keys: Sequence[KeyState]
    running: Sequence[Process]
    uses: Sequence[Use]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "keys": [
                {"key": one.shown, "state": one.state, "seen_at": iso(one.seen_at)}
                for one in self.keys
            ],
            "processes": [
                {
                    "process": one.label,
                    "keys": [name.hex() for name in one.keys],
                    "clock_skew_ms": one.skew_ms,
                }
                for one in self.running
            ],
            "uses": [
                {"table": one.table, "key": one.shown, "count": one.count} for one in self.uses
            ],
        }


async def uses_of(pool: asyncpg.Pool[Any]) -> list[Use]:
    """Everything that hangs on a secret key."""
    return [*await sealed_uses(pool), *await digest_uses(pool)]


async def status_of(ctx: AppContext) -> Status:
    """The keys and their uses, now."""
    pool = ctx.database.pool
    known = await store.known_keys(pool)
    sealing = store.sealing_key(known)
    keys = []
    for key in known:
        state = "opens" if key.first_at is None else "sealed"
        if key == sealing:
            state = "seals"
        if key.retired_at is not None:
            state = "retired"
        keys.append(KeyState(key.mark.shown, state, key.seen_at))
    return Status(keys, await store.running_processes(pool), await uses_of(pool))
