"""What the worker runs for accounts: forgetting what is over."""

from __future__ import annotations

import asyncio
from typing import Final

from privata.accounts import limits, sessions
from privata.infra.context import AppContext

#: Seconds between rounds. Nothing depends on it: what is over is refused wherever it is looked at.
EVERY_S: Final = 3600.0

_FORGET: Final = (
    "DELETE FROM mailed_code WHERE expires_at < now() - interval '1 day'",
    "DELETE FROM reset_link WHERE expires_at < now() - interval '1 day'",
    # Its cookie is gone from the browser by then.
    "DELETE FROM known_device WHERE last_used_at < now() - interval '400 days'",
)


async def tidy_accounts(ctx: AppContext) -> None:
    """Delete expired sessions, codes, links and tries until cancelled."""
    while True:
        await sessions.forget_old(ctx.database)
        await limits.forget_old(ctx.database)
        for statement in _FORGET:
            await ctx.database.pool.execute(statement)
        await asyncio.sleep(EVERY_S)
