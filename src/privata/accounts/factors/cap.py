"""No more than 100 wrong second factors of a person, however slowly they come.

The window (`limits.SECOND_FACTOR`) lets 5 codes through in half an hour, for ever: whoever knows
the password has some 240 tries a day. So wrong codes also add up. A right code takes back those of
its own sign-in only: the person's signing in makes no room for a guesser's tries beside it. At 100
no code is judged any more, neither of the app nor for recovery, until the operator has seen who it
is (`privata accounts unlock`). A passkey works on: it cannot be guessed.
"""

from __future__ import annotations

from typing import Final

from privata.accounts import mails, trail
from privata.accounts.client import Client
from privata.audit import service as audit
from privata.core.errors import NotFound
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.notifications.catalogue import MailTemplate

#: NIST SP 800-63B, 5.2.2: at most so many failed tries of one account.
MOST_WRONG: Final = 100

# Taken before the code is compared, so guesses at the same moment share the cap.
_TAKE: Final = """
UPDATE app_user SET wrong_factors = wrong_factors + 1 WHERE id = $1 AND wrong_factors < $2
RETURNING wrong_factors
"""

_GIVE_BACK: Final = """
UPDATE app_user SET wrong_factors = greatest(0, wrong_factors - $2) WHERE id = $1
"""

_COUNT: Final = "SELECT wrong_factors FROM app_user WHERE id = $1"

_UNLOCK: Final = """
WITH old AS (SELECT id, wrong_factors FROM app_user WHERE lower(email) = lower($1) FOR UPDATE)
UPDATE app_user AS u SET wrong_factors = 0 FROM old WHERE u.id = old.id
RETURNING u.id, old.wrong_factors
"""


async def take(ctx: AppContext, user_id: int) -> int | None:
    """Count a code before it is judged: how many that makes; None once codes are locked."""
    count: int | None = await ctx.database.pool.fetchval(_TAKE, user_id, MOST_WRONG)
    return count


async def right(ctx: AppContext, user_id: int, codes: int) -> None:
    """The code was right: the `codes` that its sign-in has taken are no wrong ones."""
    await ctx.database.pool.execute(_GIVE_BACK, user_id, codes)


async def wrong(ctx: AppContext, *, user_id: int, email: str, count: int, client: Client) -> None:
    """The code was wrong; the one that locks is recorded, and told to the person by mail."""
    if count < MOST_WRONG:
        return
    async with ctx.database.transaction() as tx:
        await trail.record(
            tx, user_id=user_id, email=email, client=client, action="second_factor.locked"
        )
        await mails.tell(tx, ctx, MailTemplate.SECOND_FACTOR_LOCKED, email, client)


async def is_locked(ctx: AppContext, user_id: int) -> bool:
    """Whether codes of this person are not judged any more."""
    return bool(await ctx.database.pool.fetchval(_COUNT, user_id) >= MOST_WRONG)


async def unlock(ctx: AppContext, *, actor: Actor, email: str) -> int:
    """Forget a person's wrong codes: how many there were. `NotFound` without an account."""
    async with ctx.database.transaction() as tx:
        row = await tx.connection.fetchrow(_UNLOCK, email)
        if row is None:
            raise NotFound(f"{email} has no account.")
        await audit.record(
            tx,
            actor=actor,
            action="second_factor.unlocked",
            target=str(row["id"]),
            changes={"email": email, "wrong": row["wrong_factors"]},
        )
    return int(row["wrong_factors"])
