"""Mails about an account: what happened, when and from where."""

from __future__ import annotations

from datetime import UTC, datetime

from privata.accounts.place import Place
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.notifications.catalogue import Letter
from privata.notifications.service import send_mail


async def tell(
    tx: Transaction,
    kernel: Kernel,
    letter: Letter,
    email: str,
    place: Place,
    *,
    useless_after: datetime | None = None,
    **more: str,
) -> None:
    """Queue `letter` with the moment and the place of what happened, and `more` for its text."""
    values = {
        "device": place.device,
        "ip": place.ip or "unknown",
        "at": in_words(kernel.clock.now()),
    }
    await send_mail(
        tx,
        kernel.sealer,
        letter=letter,
        to=email,
        values=values | more,
        useless_after=useless_after,
    )


def in_words(moment: datetime) -> str:
    """ "21 November 2026, 14:03 UTC"."""
    return f"{moment.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
