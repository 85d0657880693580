"""What organizations tell people by mail, and what a lost or changed role ends.

Each function runs in the transaction of the act: a mail is queued and a session ended with it or
not at all.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from privata.accounts.service import end_sessions, rotate_sessions
from privata.core.roles import Role
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.notifications.catalogue import MailTemplate
from privata.notifications.service import send_mail
from privata.organizations.preferences import Notice

#: Warnings of this many hours and fewer are told in hours.
DAY_H = 24

_READERS = """
SELECT u.email FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.role = ANY ($2) AND m.deactivated_at IS NULL
  AND NOT EXISTS (SELECT FROM notice_opt_out AS n WHERE n.membership_id = m.id AND n.notice = $3)
ORDER BY u.email
"""

#: Who is told about money.
_PAID = (Role.OWNER, Role.FINANCE)

_NAME = "SELECT name FROM organization WHERE id = $1"

_MEMBER = """
SELECT u.email FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.deactivated_at IS NULL AND lower(u.email) = lower($2)
"""

_CONTACT = "SELECT contact_email FROM organization_profile WHERE organization_id = $1"


async def mail_invitation(
    ctx: AppContext,
    tx: Transaction,
    *,
    email: str,
    organization_name: str,
    role: str,
    invited_by: str,
    url: str,
    expires_at: datetime,
) -> None:
    """The link of an invitation, to the address it is for."""
    values = {
        "organization": organization_name,
        "inviter": invited_by,
        "role": role,
        "link": url,
        "until": f"{expires_at:%d %B %Y, %H:%M} UTC",
    }
    await send_mail(
        tx,
        ctx.sealer,
        template=MailTemplate.INVITATION,
        to=email,
        values=values,
        useless_after=expires_at,
    )


async def mail_member_joined(
    ctx: AppContext, tx: Transaction, *, organization_id: UUID, email: str, role: str
) -> None:
    """To owners and admins but those who do without; not to the one who joined."""
    values = {"organization": await _name(tx, organization_id), "member": email, "role": role}
    roles = (Role.OWNER, Role.ADMIN)
    for reader in await _readers(tx, organization_id, roles, Notice.MEMBER_JOINED.value):
        if reader.lower() != email.lower():
            await send_mail(
                tx, ctx.sealer, template=MailTemplate.MEMBER_JOINED, to=reader, values=values
            )


async def mail_reviewed(
    ctx: AppContext, tx: Transaction, *, organization_id: UUID, approved: bool, note: str
) -> None:
    """The operator's decision, to every owner."""
    template = (
        MailTemplate.ORGANIZATION_APPROVED if approved else MailTemplate.ORGANIZATION_REJECTED
    )
    values = {
        "organization": await _name(tx, organization_id),
        "note": note or "The operator gave no reason.",
        "link": f"{ctx.settings.base_url}/",
    }
    for reader in await _readers(tx, organization_id, (Role.OWNER,), ""):
        await send_mail(tx, ctx.sealer, template=template, to=reader, values=values)


async def mail_payout_sent(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    amount: str,
    currency: str,
    address: str,
    tx_hash: str,
    link: str,
) -> None:
    """To owners and finance but those who do without; `link` shows the transaction."""
    values = {
        "organization": await _name(tx, organization_id),
        "amount": amount,
        "currency": currency,
        "address": address,
        "tx_hash": tx_hash,
        "link": link,
    }
    for reader in await _readers(tx, organization_id, _PAID, Notice.PAYOUT_SENT.value):
        await send_mail(tx, ctx.sealer, template=MailTemplate.PAYOUT_SENT, to=reader, values=values)


async def mail_payout_address_added(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    actor: str,
    currency: str,
    address: str,
) -> None:
    """To every owner and everybody in finance: nobody can switch this one off."""
    values = {
        "organization": await _name(tx, organization_id),
        "actor": actor,
        "currency": currency,
        "address": address,
        "link": f"{ctx.settings.base_url}/",
    }
    for reader in await _readers(tx, organization_id, _PAID, ""):
        await send_mail(
            tx, ctx.sealer, template=MailTemplate.PAYOUT_ADDRESS_ADDED, to=reader, values=values
        )


async def mail_secret_made(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    actor: str,
    endpoint: str,
    more: str,
    path: str,
) -> None:
    """To every owner: nobody can switch this one off. `more` is a further sentence, or nothing;
    `path` is the endpoint's page."""
    hours = ctx.settings.payout_secret_age_hours
    values = {
        "organization": await _name(tx, organization_id),
        "actor": actor,
        "endpoint": endpoint,
        "hours": str(hours),
        "more": more,
        "link": f"{ctx.settings.base_url}{path}",
    }
    for reader in await _readers(tx, organization_id, (Role.OWNER,), ""):
        await send_mail(tx, ctx.sealer, template=MailTemplate.SECRET_MADE, to=reader, values=values)


async def mail_key_expires(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    environment: Environment,
    name: str,
    prefix: str,
    created_by: str,
    ends_at: datetime,
    hours_left: int,
    path: str,
) -> None:
    """To owners, admins and who made the key, if that is still a member; `path` is its page."""
    values = {
        "organization": await _name(tx, organization_id),
        "environment": environment.value,
        "key_name": name,
        "prefix": prefix,
        "left": f"{hours_left} hours" if hours_left <= DAY_H else f"{hours_left // DAY_H} days",
        "until": f"{ends_at:%d %B %Y, %H:%M} UTC",
        "link": f"{ctx.settings.base_url}{path}",
    }
    readers = await _readers(tx, organization_id, (Role.OWNER, Role.ADMIN), "")
    maker = await tx.connection.fetchval(_MEMBER, organization_id, created_by)
    for reader in dict.fromkeys([*readers, *([maker] if maker else [])]):
        await send_mail(tx, ctx.sealer, template=MailTemplate.KEY_EXPIRES, to=reader, values=values)


async def mail_keys_cut(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    member: str,
    role: str | None,
    lost: list[str],
    seen: list[str],
) -> None:
    """To every owner, when a member's role fell: which keys lost scopes, and which the member knows
    and should be rotated. `role` is the new one; None: they have left."""
    values = {
        "organization": await _name(tx, organization_id),
        "member": member,
        "now": f"now has the role {role}" if role else "no longer has access",
        "lost": "; ".join(lost),
        "seen": "; ".join(seen),
        "link": f"{ctx.settings.base_url}/",
    }
    for reader in await _readers(tx, organization_id, (Role.OWNER,), ""):
        await send_mail(tx, ctx.sealer, template=MailTemplate.KEYS_CUT, to=reader, values=values)


async def mail_endpoint_paused(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    environment: Environment,
    endpoint: str,
    reason: str,
    path: str,
) -> None:
    """To the technical contact, or to the owners of an organization that has named none.

    `endpoint` is its name, `reason` a sentence, `path` its page.
    """
    values = {
        "organization": await _name(tx, organization_id),
        "environment": environment.value,
        "endpoint": endpoint,
        "reason": reason,
        "link": f"{ctx.settings.base_url}{path}",
    }
    contact = await tx.connection.fetchval(_CONTACT, organization_id)
    readers = [contact] if contact else await _readers(tx, organization_id, (Role.OWNER,), "")
    for reader in readers:
        await send_mail(
            tx, ctx.sealer, template=MailTemplate.ENDPOINT_PAUSED, to=reader, values=values
        )


async def end_access(tx: Transaction, *, user_id: int) -> None:
    """A membership ended: the person's sessions end, and with them their live pages.

    All of them, since a session is not of one organization; the person signs in again for others.
    """
    await end_sessions(tx, user_id)


async def renew_access(tx: Transaction, *, user_id: int) -> None:
    """A role changed: the person's sessions get new tokens (docs/accounts.md)."""
    await rotate_sessions(tx, user_id)


async def _name(tx: Transaction, organization_id: UUID) -> str:
    name: str = await tx.connection.fetchval(_NAME, organization_id)
    return name


async def _readers(
    tx: Transaction, organization_id: UUID, roles: tuple[Role, ...], notice: str
) -> list[str]:
    rows = await tx.connection.fetch(
        _READERS, organization_id, [role.value for role in roles], notice
    )
    return [str(row["email"]) for row in rows]
