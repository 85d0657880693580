"""What the worker does for the ledger: making earnings available when their time has come."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from privata.infra.context import AppContext
from privata.ledger.service import mature

log = logging.getLogger(__name__)

#: Seconds between two rounds; a holding time is counted in days.
EVERY_S: Final = 60.0


async def mature_earnings(ctx: AppContext) -> None:
    """Look for earnings whose holding time is over, until cancelled. Any number may run."""
    while True:
        matured = await mature(ctx)
        if matured:
            log.info("%d earnings became available", matured)
        await asyncio.sleep(EVERY_S)
