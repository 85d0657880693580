"""How many mails with invitations go out, counted when they are sent, whatever becomes of the
invitation: one that is cancelled has reached its address all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from privata.accounts.service import Limit, take
from privata.core.errors import ValidationFailed
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction

#: Of one organization.
MAILS_OF_ORGANIZATION: Final = Limit("invitation_organization", 30, timedelta(hours=1))

#: To one address, by whichever organizations: anybody can make a second one.
MAILS_TO_ADDRESS: Final = Limit("invitation_address", 5, timedelta(hours=1))
MAILS_TO_ADDRESS_IN_A_DAY: Final = Limit("invitation_address_day", 10, timedelta(days=1))


async def count_mail(
    ctx: AppContext, tx: Transaction, *, organization_id: UUID, email: str
) -> None:
    """Count a mail that the transaction sends; `ValidationFailed` (field `email`) where too many
    were, and then nothing is counted.

    Asked last, when nothing else stands against the mail: a refused act must not use up what an
    address may get. Mails to one address take turns here; everybody takes the three in this order.
    """
    mailbox = mailbox_of(email)
    if not (await take(ctx, MAILS_OF_ORGANIZATION, str(organization_id), tx=tx)).granted:
        most = MAILS_OF_ORGANIZATION.most
        _refuse(f"Your organization sent {most} invitations within an hour.", "an hour")
    if not (await take(ctx, MAILS_TO_ADDRESS, mailbox, tx=tx)).granted:
        most = MAILS_TO_ADDRESS.most
        _refuse(f"This email address was sent {most} invitations within an hour.", "an hour")
    if not (await take(ctx, MAILS_TO_ADDRESS_IN_A_DAY, mailbox, tx=tx)).granted:
        most = MAILS_TO_ADDRESS_IN_A_DAY.most
        _refuse(f"This email address was sent {most} invitations within a day.", "a day")


def mailbox_of(email: str) -> str:
    """What counts as one address: `ann+7@x.example` is read by Ann."""
    name, _, domain = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0] or name}@{domain}"


def _refuse(what: str, wait: str) -> None:
    reason = f"{what} Wait {wait} before sending another."
    raise ValidationFailed(reason, fields=[("email", reason)])
