"""Telling people by mail: a mail is queued in the transaction of what it tells, never sent here."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from privata.core.ids import new_id
from privata.infra.database.postgres import Transaction
from privata.infra.sealing import Sealer
from privata.notifications import store
from privata.notifications.catalogue import AUDIENCES, MailTemplate
from privata.notifications.sealed import context

# A mail that only some addresses get is written a random while later: where server and worker are
# one program, the work for it would show in the answer to the request that asked.
_APART_S: Final = (0.5, 1.5)
_random: Final = random.SystemRandom()

#: Sent after a mail was queued.
MAIL_WAKEUP: Final = "mail"


async def send_mail(
    tx: Transaction,
    sealer: Sealer,
    *,
    template: MailTemplate,
    to: str,
    values: Mapping[str, str],
    useless_after: datetime | None = None,
) -> UUID:
    """Queue `template` to the address `to`; it goes out soon after the commit, or not at all on a
    rollback. `values` fill its text; after `useless_after` it is not sent any more."""
    mail_id = new_id()
    sealed = sealer.seal(json.dumps(dict(values)).encode(), context(mail_id))
    await store.enqueue(
        tx,
        mail_id,
        template=template.value,
        recipient=to,
        sealed=sealed,
        useless_after=useless_after,
        wait_s=_random.uniform(*_APART_S) if template in AUDIENCES else 0.0,
    )
    tx.wake(MAIL_WAKEUP)
    return mail_id
