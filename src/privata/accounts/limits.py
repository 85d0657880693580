"""Limits of tries, exact over any number of processes: each try is one statement on one row.

A try is taken before the work that it allows, so a hundred requests at the same moment get no more
than a hundred in a row. A try that turned out well is given back.

Where an act takes tries of two, first that of who asks: who has none left is refused there, and
uses up nothing of somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from privata.infra.context import AppContext
from privata.infra.database.postgres import Database, Transaction


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` tries within `window`; the last one allowed begins `block`, if there is one."""

    name: str
    most: int
    window: timedelta
    block: timedelta = timedelta(0)


#: As docs/accounts.md says. An address may be that of a whole office, so tries that succeed are
#: given back.
SIGN_IN_BY_ADDRESS: Final = Limit(
    "sign_in_address", 10, timedelta(minutes=15), timedelta(minutes=30)
)
SIGN_IN_BY_EMAIL: Final = Limit("sign_in_email", 5, timedelta(minutes=15), timedelta(minutes=30))

#: Wrong second factors of one person.
SECOND_FACTOR: Final = Limit("second_factor", 5, timedelta(minutes=30))

#: The first code of a sign-up and three more.
SIGN_UP_MAILS: Final = Limit("sign_up_mail", 4, timedelta(hours=1))

#: Codes for new browsers, each after a right password.
DEVICE_MAILS: Final = Limit("device_mail", 6, timedelta(hours=1))

RESET_MAILS: Final = Limit("reset_mail", 3, timedelta(hours=1))

#: Mails to whomever that one address can cause by signing up or forgetting passwords.
MAILS_BY_ADDRESS: Final = Limit("mail_address", 30, timedelta(hours=1))

#: Wrong passwords and codes at the step-up question, of one person.
STEP_UP: Final = Limit("step_up", 5, timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was asked for; `used` counts it. `last` means that no further one is left."""

    limit: Limit
    subject: bytes
    granted: bool
    used: int
    at: datetime
    blocked_until: datetime | None

    @property
    def last(self) -> bool:
        return self.granted and self.used >= self.limit.most


# $3 most, $4 window and $5 block in seconds. The row's lock makes tries take turns; what is older
# than the window falls out of the list on the way.
_TAKE: Final = """
INSERT INTO account_tries AS t ("limit", subject, hits, blocked_until, granted)
VALUES ($1, $2, ARRAY[now()],
        CASE WHEN $3 <= 1 AND $5 > 0 THEN now() + make_interval(secs => $5) END, true)
ON CONFLICT ("limit", subject) DO UPDATE SET (hits, blocked_until, granted, updated_at) = (
    SELECT CASE WHEN free THEN array_append(recent, now()) ELSE recent END,
           CASE WHEN NOT free THEN t.blocked_until
                WHEN cardinality(recent) + 1 >= $3 AND $5 > 0
                THEN now() + make_interval(secs => $5) END,
           free, now()
    FROM (
        SELECT recent, cardinality(recent) < $3
               AND (t.blocked_until IS NULL OR t.blocked_until <= now()) AS free
        FROM (
            SELECT coalesce(array_agg(hit), '{}') AS recent FROM unnest(t.hits) AS hit
            WHERE hit > now() - make_interval(secs => $4)
        ) AS kept
    ) AS seen
)
RETURNING granted, cardinality(hits) AS used, now() AS at, blocked_until
"""

_GIVE_BACK: Final = """
UPDATE account_tries SET hits = array_remove(hits, $3),
    blocked_until = CASE WHEN cardinality(array_remove(hits, $3)) >= $4 THEN blocked_until END
WHERE "limit" = $1 AND subject = $2
"""

_CLEAR: Final = """
DELETE FROM account_tries WHERE "limit" = $1 AND subject = $2
"""

_LEAVE_ONE: Final = """
UPDATE account_tries SET hits = hits[cardinality(hits) - $3 + 2:]
WHERE "limit" = $1 AND subject = $2 AND cardinality(hits) >= $3
"""

_FORGET: Final = """
DELETE FROM account_tries WHERE updated_at < now() - interval '1 day'
"""


async def take(ctx: AppContext, limit: Limit, value: str, *, tx: Transaction | None = None) -> Try:
    """Ask for a try of `value` (an email, an address, a person's id); see `granted`.

    With `tx` it is counted if the transaction commits, and others who ask for one of the same
    value wait until then.
    """
    subject = _subject(ctx, limit, value)
    asked = ctx.database.pool if tx is None else tx.connection
    row: Any = await asked.fetchrow(
        _TAKE,
        limit.name,
        subject,
        limit.most,
        limit.window.total_seconds(),
        limit.block.total_seconds(),
    )
    return Try(limit, subject, row["granted"], row["used"], row["at"], row["blocked_until"])


async def give_back(ctx: AppContext, taken: Try) -> None:
    """The try was none: it succeeded. A block that it began is over."""
    await ctx.database.pool.execute(
        _GIVE_BACK, taken.limit.name, taken.subject, taken.at, taken.limit.most
    )


async def give_back_at(ctx: AppContext, limit: Limit, value: str, at: datetime) -> None:
    """`give_back` of the try that was taken at this moment, in an earlier request."""
    await ctx.database.pool.execute(
        _GIVE_BACK, limit.name, _subject(ctx, limit, value), at, limit.most
    )


async def clear(ctx: AppContext, limit: Limit, value: str) -> None:
    """Forget every try of `value`."""
    await ctx.database.pool.execute(_CLEAR, limit.name, _subject(ctx, limit, value))


async def leave_one(ctx: AppContext, limit: Limit, value: str) -> None:
    """Where none is left, let one more try in: whoever starts over with the right password."""
    subject = _subject(ctx, limit, value)
    await ctx.database.pool.execute(_LEAVE_ONE, limit.name, subject, limit.most)


async def forget_old(database: Database) -> None:
    """Delete what no window reaches any more."""
    await database.pool.execute(_FORGET)


def _subject(ctx: AppContext, limit: Limit, value: str) -> bytes:
    return ctx.sealer.digest(f"{limit.name}:{value.lower()}")
