"""What the worker does for the audit log: the months to come, and the daily checkpoints."""

from __future__ import annotations

import asyncio
import logging

from privata.audit.checkpoints import make_checkpoints
from privata.infra.context import AppContext

log = logging.getLogger(__name__)

#: Seconds between two rounds. Any number of workers may make them: what exists is left alone.
EVERY_S = 24 * 3600.0


async def keep_audit(ctx: AppContext) -> None:
    """Once at the start and then daily: partitions a year ahead, checkpoints of what has moved."""
    while True:
        made = await ctx.database.pool.fetchval("SELECT audit_make_partitions()")
        if made:
            log.info("made %d months of the audit log ahead", made)
        await make_checkpoints(ctx)
        await asyncio.sleep(EVERY_S)
