"""What the worker does for payouts: requests that nobody confirmed end when their time is over."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from privata.infra.context import AppContext
from privata.payouts.service import expire_requests

log = logging.getLogger(__name__)

#: Seconds between two rounds. A challenge that is over is refused at once, whatever this says.
EVERY_S: Final = 30.0


async def expire_payouts(ctx: AppContext) -> None:
    """Cancel what was not confirmed in time, for ever. Any number of workers may."""
    while True:
        done = await expire_requests(ctx)
        if done:
            log.info("%d payout requests expired", done)
        await asyncio.sleep(EVERY_S)
