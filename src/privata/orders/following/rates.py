"""How often each provider is asked about orders, by all workers together.

A provider counts the calls of a key, whichever process makes them. So the calls for polls, which
grow with the orders and not with what users do, are taken out of one bucket in the database. It is
smaller than what the provider allows: the rest is for quotes, new orders and refunds, whose rate
each process keeps for itself (`providers.http.bucket`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from privata.providers.registry import ReadingRate, reading_rate

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

#: The share of a provider's rate that is for polls. Of its burst they have what is left of 1: in no
#: time in which a whole burst flows in again do they come to more than one burst. ChangeNOW, say,
#: allows 30 calls a second: polls are 22.5 a second, and 7.5 at once.
POLL_SHARE: Final = 0.75

_MINUTE_S: Final = 60.0

# Waits for other workers' taking, then decides on what they left. `now()` may be older than that by
# the wait, which only gives less. The small part of a call covers what rounding took from a whole.
_TAKE: Final = """
WITH held AS (
    SELECT p.provider, w.call_s, greatest(p.paid_until, now()) AS since,
           least(w.wanted, greatest(0, floor(0.001 +
               (w.burst_s - greatest(0, extract(epoch FROM p.paid_until - now()))) / w.call_s
           )))::int AS given
    FROM poll_pace AS p
    JOIN unnest($1::text[], $2::int[], $3::float8[], $4::float8[])
         AS w (provider, wanted, call_s, burst_s) ON w.provider = p.provider
    ORDER BY p.provider FOR UPDATE OF p
)
UPDATE poll_pace AS p SET paid_until = held.since + make_interval(secs => held.given * held.call_s)
FROM held WHERE p.provider = held.provider
RETURNING p.provider, held.given
"""

_ENTER: Final = """
INSERT INTO poll_pace (provider) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class PollRate:
    """How often a provider is asked about orders: seconds for each call, and how many at once."""

    call_s: float
    burst: float

    @classmethod
    def of(cls, rate: ReadingRate) -> PollRate:
        """The share of what a provider allows; one call at once at least."""
        call_s = _MINUTE_S / (rate.per_minute * POLL_SHARE)
        return cls(call_s, max(1.0, rate.burst * (1 - POLL_SHARE)))


class PollRates:
    """The rates of the providers, and taking calls out of them."""

    def __init__(
        self, pool: Pool, allowed: Callable[[str], ReadingRate | None] = reading_rate
    ) -> None:
        self._pool = pool
        self._allowed = allowed
        self._known: dict[str, PollRate | None] = {}

    def of(self, name: str) -> PollRate | None:
        """The rate of a provider; None: it has no adapter, so nobody calls it."""
        if name not in self._known:
            allowed = self._allowed(name)
            self._known[name] = None if allowed is None else PollRate.of(allowed)
        return self._known[name]

    async def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take calls, as many of each provider as are wanted and there are now; how many."""
        rates = {name: rate for name in sorted(wanted) if (rate := self.of(name)) is not None}
        if not rates:
            return dict(wanted)
        asked = (
            list(rates),
            [wanted[name] for name in rates],
            [one.call_s for one in rates.values()],
            [one.call_s * one.burst for one in rates.values()],
        )
        rows = await self._pool.fetch(_TAKE, *asked)
        if len(rows) < len(rates):
            # Once for each provider. What the first try gave is not taken twice: it is kept.
            await self._pool.execute(_ENTER, asked[0])
            found = {row["provider"] for row in rows}
            missing = {name: wanted[name] for name in rates if name not in found}
            return {**dict(wanted), **_given(rows), **await self.take(missing)}
        return {**wanted, **_given(rows)}


def _given(rows: list[asyncpg.Record]) -> dict[str, int]:
    return {row["provider"]: row["given"] for row in rows}
