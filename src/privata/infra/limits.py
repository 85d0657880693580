"""How often a caller may ask: token buckets in the database, so that they hold over processes.

A bucket holds one minute's calls and fills up steadily. What it holds is computed when it is asked
for, so a bucket that nobody uses costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from privata.core.errors import RateLimited
from privata.infra.settings import Settings

MINUTE_S: Final = 60.0


class Kind(StrEnum):
    """What is counted together (docs/rate-limits.md)."""

    READ = "read"
    WRITE = "write"
    OFFERS = "offers"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a bucket after a call; `granted` says whether this call had its token."""

    limit: int
    tokens: float
    granted: bool

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """The three headers of every answer; `now` and the reset are in unix seconds.

        The reset is the moment when the bucket is full again.
        """
        full_at = math.ceil(now + (self.limit - self.tokens) * MINUTE_S / self.limit)
        return rate_headers(self.limit, int(self.tokens), full_at)

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until the next token is there."""
        return max(1, math.ceil((1 - self.tokens) * MINUTE_S / self.limit))


def too_many(allowance: Allowance) -> RateLimited:
    """The refusal of a call whose bucket is empty."""
    seconds = allowance.retry_after_s
    return RateLimited(
        f"You exceeded the limit of {allowance.limit} requests of this kind per minute."
        f" Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def rate_headers(limit: int, remaining: int, reset_at: int) -> list[tuple[bytes, bytes]]:
    """The headers as they go out."""
    return [
        (b"x-ratelimit-limit", b"%d" % limit),
        (b"x-ratelimit-remaining", b"%d" % max(0, remaining)),
        (b"x-ratelimit-reset", b"%d" % reset_at),
    ]


def limits_of(settings: Settings) -> dict[Kind, tuple[int, int]]:
    """Calls a minute for each kind: of an organization, and of an address without a key.

    Without a key nothing can be written; what is tried counts as a read.
    """
    keyless = settings.rate_keyless_per_minute
    offers = settings.rate_offers_per_minute
    return {
        Kind.READ: (settings.rate_reads_per_minute, keyless),
        Kind.WRITE: (settings.rate_writes_per_minute, keyless),
        Kind.OFFERS: (offers, min(offers, keyless)),
    }


# Takes what a relation `wanted` (subject, kind, allowed, tokens) asks for, as far as it is there.
# The row's lock makes calls about one bucket take turns. `clock_timestamp` and not `now`: who
# waited for the lock began before the bucket was last counted.
#
# In the update, `excluded` is what a new bucket would be: `granted` is what is asked for (no more
# than a bucket holds), and that plus `tokens` is the size of the bucket.
TAKE: Final = """
    INSERT INTO rate_bucket AS b (subject, kind, tokens, counted_at, granted)
    SELECT subject, kind, allowed - taken, clock_timestamp(), taken
    FROM (SELECT wanted.*, least(tokens, floor(allowed))::int AS taken FROM wanted) AS fresh
    ON CONFLICT (subject, kind) DO UPDATE SET (tokens, counted_at, granted) = (
        SELECT filled.tokens - taken, filled.at, taken
        FROM (
            SELECT least(size, b.tokens + extract(epoch FROM at - b.counted_at) * size / 60)
                   AS tokens, at
            FROM (SELECT greatest(clock_timestamp(), b.counted_at) AS at,
                         excluded.tokens + excluded.granted AS size) AS clock
        ) AS filled, LATERAL (
            SELECT least(excluded.granted, floor(filled.tokens))::int AS taken
        ) AS paid)
    RETURNING subject, kind, tokens, granted
"""

#: A bucket that nobody asked for this long is full, as a missing one is. Interval in PostgreSQL.
FORGET: Final = """
DELETE FROM rate_bucket WHERE counted_at < clock_timestamp() - interval '10 minutes'
"""
