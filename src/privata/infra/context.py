"""What every service needs from the house, handed in as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from privata.core.clock import Clock, SystemClock
from privata.infra.database.postgres import Database
from privata.infra.sealing import Sealer
from privata.infra.secret_keys.redigesting import Redigester
from privata.infra.secret_keys.watching import KeyWatch
from privata.infra.settings import Settings


@dataclass(frozen=True, slots=True)
class AppContext:
    """Database, seals, clock and settings of one process; `keys` says whether its secret keys
    still fit, `digests` moves digests to the first of them."""

    database: Database
    sealer: Sealer
    clock: Clock
    settings: Settings
    keys: KeyWatch = field(default_factory=KeyWatch)
    digests: Redigester = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digests", Redigester(self.database, self.sealer, self.keys))

    @classmethod
    async def open(
        cls, settings: Settings, url: str, *, pool_size: int | None = None
    ) -> AppContext:
        """Connect to the database at `url`."""
        size = pool_size or settings.pool_size
        database = await Database.connect(url, size=size, direct_url=settings.database_listen_url)
        return cls(database, Sealer(settings.key_material()), SystemClock(), settings)

    async def close(self) -> None:
        """Give the connections back."""
        await self.database.close()
