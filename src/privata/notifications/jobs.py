"""What the worker runs: the mails that are due, some at a time."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Final

from privata.infra.kernel import Kernel
from privata.infra.postgres import listening
from privata.infra.sealing import UnsealError
from privata.infra.waking import until_woken
from privata.notifications import store
from privata.notifications.catalogue import Letter, chosen_letter
from privata.notifications.posting import (
    MailRefused,
    MailUnavailable,
    Post,
    post_for,
    sender_address,
)
from privata.notifications.schedule import pause_after
from privata.notifications.service import MAIL_BELL, context
from privata.notifications.states import MailStatus
from privata.notifications.writing import Sender, write

log = logging.getLogger(__name__)

#: Mails handed over side by side; each conversation with a mail server takes a thread.
BATCH: Final = 4

#: Seconds between looks when no bell rings and nothing is due before.
LOOK_EVERY_S: Final = 15.0

#: How long ended mails are kept: who got what and when, no longer its text.
KEEP: Final = timedelta(days=30)


async def send_mails(kernel: Kernel) -> None:
    """Send mails until cancelled. Any number of workers may run."""
    post = post_for(kernel.settings)
    async with listening(kernel.database.url, MAIL_BELL) as bells:
        while True:
            if post is None:
                log.warning("PRIVATA_MAIL_URL is not set; emails stay queued")
            elif await send_due(kernel, post):
                continue
            await store.forget(kernel.database, KEEP)
            due = await store.next_due_s(kernel.database)
            seconds = LOOK_EVERY_S if due is None or post is None else min(LOOK_EVERY_S, due)
            await until_woken(bells, max(seconds, 0.05))


async def send_due(kernel: Kernel, post: Post) -> int:
    """Claim some due mails and hand them over; how many were claimed."""
    claimed = await store.claim(kernel.database, BATCH)
    await asyncio.gather(*(_send(kernel, post, row) for row in claimed))
    return len(claimed)


async def _send(kernel: Kernel, post: Post, row: store.Row) -> None:
    mail_id, token, database = row["id"], row["lease_token"], kernel.database
    asked = Letter(row["letter"])
    letter = chosen_letter(asked, has_account=await store.has_account(database, row["recipient"]))
    if letter is None or row["useless"]:
        await store.end(database, mail_id, token, MailStatus.DROPPED)
        return
    try:
        values = json.loads(kernel.sealer.unseal(row["sealed"], context(mail_id)))
        message = write(
            letter,
            mail_id=mail_id,
            recipient=row["recipient"],
            values=values,
            sender=Sender(sender_address(kernel.settings), kernel.settings.base_url),
            clock=kernel.clock,
        )
        await asyncio.to_thread(post, message)
    except MailRefused as error:
        log.warning("email %s (%s) was rejected: %s", mail_id, letter, error)
        await store.end(database, mail_id, token, MailStatus.FAILED, error.message)
    except (MailUnavailable, UnsealError) as error:
        await _later(kernel, row, error.message)
    else:
        await store.end(database, mail_id, token, MailStatus.SENT)


async def _later(kernel: Kernel, row: store.Row, reason: str) -> None:
    mail_id, token, pause = row["id"], row["lease_token"], pause_after(row["attempts"])
    if pause is None:
        log.error("email %s (%s) failed permanently: %s", mail_id, row["letter"], reason)
        await store.end(kernel.database, mail_id, token, MailStatus.FAILED, reason)
        return
    log.warning("email %s (%s) will be retried in %s: %s", mail_id, row["letter"], pause, reason)
    await store.retry(kernel.database, mail_id, token, pause, reason)
