"""Onboarding: four steps that are saved one by one, a stop, and the first key."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import asyncpg

from privata.accounts.service import lock_user
from privata.audit import service as audit
from privata.core.errors import ValidationFailed
from privata.core.ids import new_id
from privata.core.roles import Role
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.company import high_risk
from privata.organizations.hooks import FIRST_KEY
from privata.organizations.onboarding_rules import (
    DONE_AT,
    Company,
    Contact,
    Expectation,
    Jurisdictions,
    Step,
    checked_company,
    checked_contact,
    checked_expectation,
    checked_jurisdictions,
    next_step,
)

#: Organizations one person may set up by themselves.
MOST_OWNED = 10

_PROFILE = "SELECT * FROM organization_profile WHERE organization_id = $1"


async def profile_of(ctx: AppContext, organization_id: UUID) -> asyncpg.Record | None:
    """What the organization told so far; None before its first step."""
    return await ctx.database.pool.fetchrow(_PROFILE, organization_id)


async def create_for_user(ctx: AppContext, *, actor: Actor, company: Company) -> UUID:
    """Make an organization out of the first step; the person behind `actor` owns it.

    `actor.organization_id` is not looked at: there is none yet. `ValidationFailed` as
    `checked_company`, and for somebody who set up very many.
    """
    company = checked_company(company)
    organization_id = new_id()
    actor = replace(actor, organization_id=organization_id)
    async with ctx.database.transaction() as tx:
        # Two forms sent at once: the person's row makes one wait for the other.
        await lock_user(tx, int(actor.id))
        owned = await tx.connection.fetchval(
            "SELECT count(*) FROM membership WHERE user_id = $1 AND role = $2",
            int(actor.id),
            Role.OWNER.value,
        )
        if owned >= MOST_OWNED:
            reason = f"You own {MOST_OWNED} organizations; the operator can make further ones."
            raise ValidationFailed(reason, fields=[("legal_name", reason)])
        await tx.connection.execute(
            "INSERT INTO organization (id, name, status) VALUES ($1, $2, $3)",
            organization_id,
            company.legal_name,
            OrganizationStatus.ONBOARDING.value,
        )
        await tx.connection.execute(
            "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, $3)",
            organization_id,
            int(actor.id),
            Role.OWNER.value,
        )
        await audit.record(
            tx,
            actor=actor,
            action="organization.created",
            target=str(organization_id),
            changes={"name": company.legal_name, "owner": actor.label},
        )
        await _save(tx, actor, Step.COMPANY, asdict(company))
    return organization_id


async def save_company(ctx: AppContext, *, actor: Actor, company: Company) -> None:
    """Save step 1; the organization carries the legal name from then on."""
    company = checked_company(company)
    async with ctx.database.transaction() as tx:
        await _lock_unfinished(tx, actor)
        await tx.connection.execute(
            "UPDATE organization SET name = $2 WHERE id = $1",
            actor.organization_id,
            company.legal_name,
        )
        await _save(tx, actor, Step.COMPANY, asdict(company))


async def save_expectation(ctx: AppContext, *, actor: Actor, expectation: Expectation) -> None:
    """Save step 2."""
    expectation = checked_expectation(expectation)
    async with ctx.database.transaction() as tx:
        await _lock_unfinished(tx, actor)
        await _save(tx, actor, Step.VOLUME, asdict(expectation))


async def save_jurisdictions(
    ctx: AppContext, *, actor: Actor, jurisdictions: Jurisdictions
) -> list[str]:
    """Save step 3; the names of high-risk countries, for which the flow stops here.

    The organization then is `needs_contact`, and only the operator can open the flow again.
    """
    jurisdictions = checked_jurisdictions(jurisdictions)
    listed = high_risk(ctx.settings.home)
    async with ctx.database.transaction() as tx:
        profile = await _lock_unfinished(tx, actor)
        admitted = set(profile["admitted_countries"]) if profile else set()
        stopped = listed.among([c for c in jurisdictions.user_countries if c not in admitted])
        values = {
            "user_countries": list(jurisdictions.user_countries),
            "aml_acknowledged_by": actor.label,
        }
        await _save(tx, actor, Step.JURISDICTIONS, values)
        if stopped:
            await tx.connection.execute(
                "UPDATE organization SET status = $2 WHERE id = $1",
                actor.organization_id,
                OrganizationStatus.NEEDS_CONTACT.value,
            )
            await audit.record(
                tx,
                actor=actor,
                action="organization.stopped",
                target=str(actor.organization_id),
                changes={"high_risk": tuple(stopped), "list_as_of": listed.as_of.isoformat()},
            )
    return stopped


async def finish(ctx: AppContext, *, actor: Actor, contact: Contact) -> str:
    """Save step 4 and hand the organization to review; its first test key, shown once.

    `ValidationFailed` names an earlier step that is not done.
    """
    contact = checked_contact(contact)
    async with ctx.database.transaction() as tx:
        profile = await _lock_unfinished(tx, actor)
        missing = next_step(None if profile is None else dict(profile))
        if missing not in (None, Step.CONTACT):
            raise ValidationFailed(f"Complete the {missing} step first.")
        await _save(tx, actor, Step.CONTACT, asdict(contact))
        await tx.connection.execute(
            "UPDATE organization SET status = $2 WHERE id = $1",
            actor.organization_id,
            OrganizationStatus.PENDING_REVIEW.value,
        )
        await audit.record(
            tx,
            actor=actor,
            action="organization.submitted",
            target=str(actor.organization_id),
            changes={
                "status": audit.changed(
                    OrganizationStatus.ONBOARDING.value, OrganizationStatus.PENDING_REVIEW.value
                )
            },
        )
        return await FIRST_KEY.value(ctx, tx, actor)


async def save_settings(
    ctx: AppContext, *, actor: Actor, name: str, company: Company, contact: Contact
) -> None:
    """Change an organization's own words at any time after onboarding: name, company, contact."""
    company, contact = checked_company(company), checked_contact(contact)
    name = " ".join(name.split())
    if not 0 < len(name) <= 120:
        raise ValidationFailed(
            "Some fields are invalid.",
            fields=[("name", "Enter a name of at most 120 characters.")],
        )
    values = asdict(company) | asdict(contact)
    async with ctx.database.transaction() as tx:
        before = await tx.connection.fetchrow(
            "SELECT o.name, p.* FROM organization AS o"
            " LEFT JOIN organization_profile AS p ON p.organization_id = o.id"
            " WHERE o.id = $1 FOR NO KEY UPDATE OF o",
            actor.organization_id,
        )
        assert before is not None  # the actor's own organization
        await tx.connection.execute(
            "UPDATE organization SET name = $2 WHERE id = $1", actor.organization_id, name
        )
        await _write(tx, actor.organization_id, values)
        wanted = {"name": name} | values
        changes = {
            field: audit.changed(before[field], value)
            for field, value in wanted.items()
            if before[field] != value
        }
        if changes:
            await audit.record(
                tx,
                actor=actor,
                action="organization.updated",
                target=str(actor.organization_id),
                changes=changes,
            )


async def _lock_unfinished(tx: Transaction, actor: Actor) -> asyncpg.Record | None:
    """The profile, with the organization's row locked; only while onboarding is open.

    Two members who send steps at once, or one who sends twice, come one after the other: the
    status is looked at behind the lock, so the first key is issued once.
    """
    status = await tx.connection.fetchval(
        "SELECT status FROM organization WHERE id = $1 FOR NO KEY UPDATE", actor.organization_id
    )
    if status != OrganizationStatus.ONBOARDING.value:
        raise ValidationFailed("Onboarding is not open for this organization.")
    return await tx.connection.fetchrow(_PROFILE, actor.organization_id)


async def _save(tx: Transaction, actor: Actor, step: Step, values: dict[str, Any]) -> None:
    await _write(tx, actor.organization_id, values, DONE_AT[step])
    await audit.record(
        tx,
        actor=actor,
        action="onboarding.saved",
        target=step.value,
        changes={
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        },
    )


async def _write(
    tx: Transaction, organization_id: UUID, values: dict[str, Any], done_at: str | None = None
) -> None:
    """Write columns of the profile; the names are fields of our own values, never a caller's."""
    sets = [f"{name} = ${place}" for place, name in enumerate(values, 2)]
    if done_at is not None:
        sets.append(f"{done_at} = coalesce(p.{done_at}, now())")
    await tx.connection.execute(
        "INSERT INTO organization_profile (organization_id) VALUES ($1) ON CONFLICT DO NOTHING",
        organization_id,
    )
    await tx.connection.execute(
        f"UPDATE organization_profile AS p SET {', '.join(sets)}"  # noqa: S608
        " WHERE organization_id = $1",
        organization_id,
        *values.values(),
    )
