"""What the worker runs: the mails that are due, some at a time."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Final

from privata.infra.context import AppContext
from privata.infra.database.faults import until_answered
from privata.infra.sealing import UnsealError
from privata.infra.waking import until_woken
from privata.notifications import store
from privata.notifications.catalogue import MailTemplate, chosen_template
from privata.notifications.posting import (
    MailRefused,
    MailUnavailable,
    Post,
    post_for,
    sender_address,
)
from privata.notifications.schedule import pause_after
from privata.notifications.sealed import context
from privata.notifications.service import MAIL_WAKEUP
from privata.notifications.states import MailStatus
from privata.notifications.writing import Sender, write

log = logging.getLogger(__name__)

#: Mails handed over side by side; each conversation with a mail server takes a thread.
BATCH: Final = 4

#: Seconds between looks when no wake-up comes and nothing is due before.
LOOK_EVERY_S: Final = 15.0

#: How long a worker that stops waits for what it is handing over, seconds.
STOP_S: Final = 5.0

#: How long it is tried to write down that a mail was sent, seconds; less than its lease.
WRITE_S: Final = 60.0

#: How long ended mails are kept: who got what and when, no longer its text.
KEEP: Final = timedelta(days=30)


async def send_mails(ctx: AppContext) -> None:
    """Send mails until cancelled. Any number of workers may run."""
    post = post_for(ctx.settings)
    async with ctx.database.listening(MAIL_WAKEUP) as wakeups:
        while True:
            if post is None:
                log.warning("PRIVATA_MAIL_URL is not set; emails stay queued")
            elif await send_due(ctx, post):
                continue
            await store.forget(ctx.database, KEEP)
            due = await store.next_due_s(ctx.database)
            seconds = LOOK_EVERY_S if due is None or post is None else min(LOOK_EVERY_S, due)
            await until_woken(wakeups, max(seconds, 0.05))


async def send_due(ctx: AppContext, post: Post) -> int:
    """Claim some due mails and hand them over; how many were claimed."""
    claimed = await store.claim(ctx.database, BATCH)
    sends = [asyncio.create_task(_send(ctx, post, row)) for row in claimed]
    if not sends:
        return 0
    try:
        await asyncio.wait(sends)
    except asyncio.CancelledError:
        # The threads go on whatever we do. What they hand over has to be written down, or another
        # worker sends it a second time.
        await asyncio.wait(sends, timeout=STOP_S)
        for one in sends:
            one.cancel()
        raise
    await asyncio.gather(*sends)
    return len(claimed)


async def _send(ctx: AppContext, post: Post, row: store.Row) -> None:
    mail_id, token, database = row["id"], row["lease_token"], ctx.database
    asked = MailTemplate(row["template"])
    template = chosen_template(
        asked, has_account=await store.has_account(database, row["recipient"])
    )
    if template is None or row["useless"]:
        await store.end(database, mail_id, token, MailStatus.DROPPED)
        return
    try:
        values = json.loads(ctx.sealer.unseal(row["sealed"], context(mail_id)))
        message = write(
            template,
            mail_id=mail_id,
            recipient=row["recipient"],
            values=values,
            sender=Sender(sender_address(ctx.settings), ctx.settings.base_url),
            clock=ctx.clock,
        )
        await asyncio.to_thread(post, message)
    except MailRefused as error:
        log.warning("email %s (%s) was rejected: %s", mail_id, template, error)
        await store.end(database, mail_id, token, MailStatus.FAILED, error.message)
    except (MailUnavailable, UnsealError) as error:
        await _later(ctx, row, error.message)
    else:
        # It is out: that is written down as soon as the database answers, or it goes out again.
        await until_answered(
            lambda: store.end(database, mail_id, token, MailStatus.SENT), "mails", WRITE_S
        )


async def _later(ctx: AppContext, row: store.Row, reason: str) -> None:
    mail_id, token, pause = row["id"], row["lease_token"], pause_after(row["attempts"])
    if pause is None:
        log.error("email %s (%s) failed permanently: %s", mail_id, row["template"], reason)
        await store.end(ctx.database, mail_id, token, MailStatus.FAILED, reason)
        return
    log.warning("email %s (%s) will be retried in %s: %s", mail_id, row["template"], pause, reason)
    await store.retry(ctx.database, mail_id, token, pause, reason)
