"""What every service needs from the house, handed in as one value."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from privata.core.clock import Clock
from privata.infra.database.postgres import Database
from privata.infra.database_clock import DatabaseClock
from privata.infra.sealing import Sealer
from privata.infra.secret_keys.redigesting import Redigester
from privata.infra.secret_keys.watching import KeyWatch
from privata.infra.settings import Settings


class Closable(Protocol):
    """Something that has to be given back when the process ends."""

    async def close(self) -> None:
        """Give it back; again is no error."""
        ...


T = TypeVar("T", bound=Closable)


class ProcessState:
    """One object of each type, made when it is first asked for and closed with the context.

    It hangs on the context and on no module: tests have several contexts in one process.
    """

    def __init__(self) -> None:
        self._made: dict[type[Any], Closable] = {}

    def of(self, kind: type[T], make: Callable[[], T]) -> T:
        """The object of this type; `make` makes the first one."""
        found = self._made.get(kind)
        if found is None:
            found = self._made[kind] = make()
        assert isinstance(found, kind)
        return found

    async def close(self) -> None:
        """Close everything, the youngest first."""
        while self._made:
            await self._made.popitem()[1].close()


@dataclass(frozen=True, slots=True)
class AppContext:
    """Database, seals, clock and settings of one process; `keys` says whether its secret keys
    still fit, `digests` moves digests to the first of them, and `state` has what rooms keep in this
    process. The clock is set by the database."""

    database: Database
    sealer: Sealer
    clock: Clock
    settings: Settings
    keys: KeyWatch = field(default_factory=KeyWatch)
    state: ProcessState = field(default_factory=ProcessState)
    digests: Redigester = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digests", Redigester(self.database, self.sealer, self.keys))

    @classmethod
    async def open(
        cls,
        settings: Settings,
        url: str,
        *,
        pool_size: int | None = None,
        machine: Clock | None = None,
    ) -> AppContext:
        """Connect to the database at `url`; the clock is the database's, whatever `machine` says.

        `machine` is the clock of this machine; None: the real one.
        """
        size = pool_size or settings.pool_size
        database = await Database.connect(url, size=size, direct_url=settings.database_listen_url)
        clock = DatabaseClock(machine)
        asked = time.monotonic()
        told: datetime = await database.pool.fetchval("SELECT clock_timestamp()")
        clock.set(told, time.monotonic() - asked)
        keys = KeyWatch(skew_s=clock.skew_s)
        return cls(database, Sealer(settings.key_material()), clock, settings, keys)

    async def close(self) -> None:
        """Give the connections back."""
        await self.state.close()
        await self.database.close()
