"""Mails about an account: what happened, when and from where."""

from __future__ import annotations

from datetime import UTC, datetime

from privata.accounts.client import Client
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.notifications.catalogue import MailTemplate
from privata.notifications.service import send_mail


async def tell(
    tx: Transaction,
    ctx: AppContext,
    template: MailTemplate,
    email: str,
    client: Client,
    *,
    useless_after: datetime | None = None,
    **more: str,
) -> None:
    """Queue `template` with the moment and the client of what happened, and `more` for its text."""
    values = {
        "device": client.device,
        "ip": client.ip or "unknown",
        "at": in_words(ctx.clock.now()),
    }
    await send_mail(
        tx,
        ctx.sealer,
        template=template,
        to=email,
        values=values | more,
        useless_after=useless_after,
    )


def in_words(moment: datetime) -> str:
    """ "21 November 2026, 14:03 UTC"."""
    return f"{moment.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
