"""The operator's review of organizations: by command line and in the console."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import asyncpg

from privata.audit import service as audit
from privata.core.errors import NotFound, ValidationFailed
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor
from privata.events.service import DELIVERIES_WAKEUP, STREAMS_WAKEUP
from privata.infra.context import AppContext
from privata.organizations.company import high_risk
from privata.organizations.telling import mail_reviewed

_S = OrganizationStatus

#: Organizations of one page.
MOST = 200

#: What each decision may be made upon.
_FROM: dict[OrganizationStatus, tuple[OrganizationStatus, ...]] = {
    _S.APPROVED: (_S.PENDING_REVIEW, _S.REJECTED),
    _S.REJECTED: (_S.PENDING_REVIEW, _S.NEEDS_CONTACT, _S.APPROVED),
    _S.ONBOARDING: (_S.NEEDS_CONTACT, _S.REJECTED),
}

_ACTIONS = {
    _S.APPROVED: "organization.approved",
    _S.REJECTED: "organization.rejected",
    _S.ONBOARDING: "organization.reopened",
}

_LIST = """
SELECT o.id, o.name, o.status, o.plan, o.created_at, o.reviewed_at, o.reviewed_by, o.review_note,
       p.legal_name, p.country, p.business_type, p.website, p.volume, p.integration,
       p.user_countries, p.contact_name, p.contact_email, p.contact_telegram,
       (SELECT string_agg(u.email, ', ' ORDER BY m.id) FROM membership AS m
        JOIN shared_user AS u ON u.id = m.user_id
        WHERE m.organization_id = o.id AND m.role = 'owner') AS owners
FROM organization AS o LEFT JOIN organization_profile AS p ON p.organization_id = o.id
"""

_BY_STATUS = (
    _LIST + "WHERE ($1::text IS NULL OR o.status = $1)"
    " AND ($2::text = '' OR strpos(lower(o.name), lower($2)) > 0 OR o.id::text = lower($2))"
    " ORDER BY o.created_at DESC, o.id LIMIT $3"
)

_ONE = _LIST + "WHERE o.id = $1"


async def organizations(
    ctx: AppContext, *, status: OrganizationStatus | None = None, text: str = ""
) -> list[asyncpg.Record]:
    """Organizations with what they told, the newest first, at most `MOST`."""
    rows: list[asyncpg.Record] = await ctx.database.pool.fetch(
        _BY_STATUS, None if status is None else status.value, text, MOST
    )
    return rows


async def organization_of(ctx: AppContext, organization_id: UUID) -> asyncpg.Record:
    """One organization with what it told; `NotFound` if there is none."""
    row = await ctx.database.pool.fetchrow(_ONE, organization_id)
    if row is None:
        raise NotFound("Organization not found.")
    return row


async def counts(ctx: AppContext) -> dict[str, int]:
    """How many organizations are in each state."""
    rows = await ctx.database.pool.fetch(
        "SELECT status, count(*) AS n FROM organization GROUP BY status"
    )
    return {row["status"]: row["n"] for row in rows}


async def decide(
    ctx: AppContext,
    *,
    actor: Actor,
    organization_id: UUID,
    to: OrganizationStatus,
    note: str = "",
) -> None:
    """Approve, reject or reopen; `ValidationFailed` if the organization is not waiting for that.

    Reopening after a stop admits the high-risk countries that the partner has named.
    """
    note = note.strip()[:500]
    async with ctx.database.transaction() as tx:
        row = await tx.connection.fetchrow(
            "SELECT status FROM organization WHERE id = $1 FOR NO KEY UPDATE", organization_id
        )
        if row is None:
            raise NotFound("Organization not found.")
        before = OrganizationStatus(row["status"])
        if before not in _FROM[to]:
            raise ValidationFailed(
                f"The organization is {before.value} and cannot become {to.value}."
            )
        await tx.connection.execute(
            "UPDATE organization SET status = $2, reviewed_at = now(), reviewed_by = $3,"
            " review_note = $4 WHERE id = $1",
            organization_id,
            to.value,
            actor.label,
            note,
        )
        if to is _S.ONBOARDING:
            await tx.connection.execute(
                "UPDATE organization_profile SET contact_at = NULL, admitted_countries = ARRAY("
                " SELECT unnest(user_countries) INTERSECT SELECT unnest($2::text[]))"
                " WHERE organization_id = $1",
                organization_id,
                sorted(high_risk(ctx.settings.home).countries),
            )
        else:
            await mail_reviewed(
                ctx, tx, organization_id=organization_id, approved=to is _S.APPROVED, note=note
            )
        await audit.record(
            tx,
            actor=replace(actor, organization_id=organization_id),
            action=_ACTIONS[to],
            target=str(organization_id),
            changes={"status": audit.changed(before.value, to.value), "note": note},
        )
        # What was held goes out at once, and streams that may not go on are ended.
        for wakeup in (DELIVERIES_WAKEUP, STREAMS_WAKEUP):
            tx.wake(wakeup)
