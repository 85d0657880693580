"""Says so when somebody's snapshot keeps the queue's dead rows."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from privata.infra.context import AppContext
from privata.infra.database.snapshots import GUIDE, SnapshotWatch, old_snapshots, sees_all

log = logging.getLogger(__name__)

#: How often is looked, seconds.
LOOK_EVERY_S: Final = 15.0


async def watch_snapshots(ctx: AppContext) -> None:
    """Name the holder of the oldest snapshot in the log when it is too old."""
    if not await sees_all(ctx.database):
        log.warning(
            "old snapshots of other roles cannot be seen: GRANT pg_read_all_stats to the role that"
            " owns the tables (%s)",
            GUIDE,
        )
    watch = SnapshotWatch(ctx.settings.snapshot_alarm_seconds)
    clock = asyncio.get_running_loop()
    while True:
        alarm = watch.look(await old_snapshots(ctx.database), clock.time())
        if alarm is not None:
            log.error(
                "the oldest snapshot has been held for %d s by %s and keeps the dead rows of %d"
                " transactions; claims get slower until it ends (%s)",
                alarm.seconds,
                alarm.holder.who,
                alarm.holder.transactions,
                GUIDE,
            )
        await asyncio.sleep(LOOK_EVERY_S)
