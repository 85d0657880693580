"""Onboarding: saved step by step, stopped by the high-risk list, ended with one key."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from privata.core.errors import NotFound, StartupError, ValidationFailed
from privata.core.roles import Role
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.organizations import notices, onboarding, review
from privata.organizations.company import FATF_FILE, countries, high_risk
from privata.organizations.onboarding_rules import (
    Company,
    Contact,
    Expectation,
    Jurisdictions,
    Step,
    checked_company,
    checked_contact,
    checked_jurisdictions,
    may_open,
    next_step,
)
from privata.organizations.preferences import Notice
from privata.organizations.tests.people import audited, member, person, role

COMPANY = Company("Acme Wallet Ltd", "CH", "wallet", "acme.example")
EXPECTATION = Expectation("under_1000", "webhooks")
WORLD = Jurisdictions(("CH", "DE"), aml_acknowledged=True)
CONTACT = Contact("Ann Roe", "dev@acme.example", "acme_dev")
OPERATOR = Actor(ActorKind.OPERATOR, "cli", "command line", uuid.UUID(int=1), Environment.TEST)


async def _status(ctx: AppContext, organization_id: uuid.UUID) -> str:
    found: str = await ctx.database.pool.fetchval(
        "SELECT status FROM organization WHERE id = $1", organization_id
    )
    return found


async def begun(ctx: AppContext) -> Actor:
    """Somebody who has named their company."""
    who = await person(ctx, "ann@acme.example")
    organization_id = await onboarding.create_for_user(ctx, actor=who, company=COMPANY)
    return replace(who, organization_id=organization_id)


async def test_four_steps_lead_to_a_key_and_to_review(ctx: AppContext) -> None:
    ann = await begun(ctx)
    assert await role(ctx, ann) == "owner"
    profile = await onboarding.profile_of(ctx, ann.organization_id)
    assert profile is not None
    assert (profile["website"], next_step(dict(profile))) == ("https://acme.example", Step.VOLUME)
    assert not may_open(Step.CONTACT, dict(profile))
    with pytest.raises(ValidationFailed, match="Complete the volume step"):
        await onboarding.finish(ctx, actor=ann, contact=CONTACT)
    await onboarding.save_expectation(ctx, actor=ann, expectation=EXPECTATION)
    assert await onboarding.save_jurisdictions(ctx, actor=ann, jurisdictions=WORLD) == []
    renamed = replace(COMPANY, legal_name="  Acme   Wallets Ltd ")
    await onboarding.save_company(ctx, actor=ann, company=renamed)
    # Two clicks at once issue one key.
    ends = [onboarding.finish(ctx, actor=ann, contact=CONTACT) for _ in range(2)]
    keys = await asyncio.gather(*ends, return_exceptions=True)
    [key] = [key for key in keys if isinstance(key, str)]
    assert key.startswith("pk_test_")
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM api_key") == 1
    assert await _status(ctx, ann.organization_id) == "pending_review"
    row = await review.organization_of(ctx, ann.organization_id)
    assert (row["name"], row["owners"]) == ("Acme Wallets Ltd", "ann@acme.example")
    assert (row["contact_telegram"], list(row["user_countries"])) == ("@acme_dev", ["DE", "CH"])
    with pytest.raises(ValidationFailed, match="not open"):
        await onboarding.save_company(ctx, actor=ann, company=COMPANY)


async def test_a_high_risk_country_stops_until_the_operator_reopens(ctx: AppContext) -> None:
    ann = await begun(ctx)
    await onboarding.save_expectation(ctx, actor=ann, expectation=EXPECTATION)
    risky = Jurisdictions(("CH", "KP"), aml_acknowledged=True)
    stopped = await onboarding.save_jurisdictions(ctx, actor=ann, jurisdictions=risky)
    assert stopped == ["North Korea"]
    assert await _status(ctx, ann.organization_id) == "needs_contact"
    with pytest.raises(ValidationFailed, match="not open"):
        await onboarding.save_jurisdictions(ctx, actor=ann, jurisdictions=WORLD)
    await review.decide(
        ctx,
        actor=OPERATOR,
        organization_id=ann.organization_id,
        to=OrganizationStatus.ONBOARDING,
    )
    worse = Jurisdictions(("KP", "IR"), aml_acknowledged=True)
    assert await onboarding.save_jurisdictions(ctx, actor=ann, jurisdictions=risky) == []
    await onboarding.finish(ctx, actor=ann, contact=CONTACT)
    assert "organization.reopened" in await audited(ctx)
    other = await member(ctx, ann.organization_id, Role.ADMIN, "x@acme.example")
    await ctx.database.pool.execute("UPDATE organization SET status = 'onboarding'")
    assert await onboarding.save_jurisdictions(ctx, actor=other, jurisdictions=worse) == ["Iran"]


async def test_the_operators_own_list_wins(ctx: AppContext, tmp_path: Path) -> None:
    ours = high_risk(tmp_path)
    assert {"IR", "KP", "MM"} == ours.countries
    assert ours.as_of.year >= 2024
    own = tmp_path / FATF_FILE
    own.write_text(json.dumps({"as_of": "2030-01-02", "source": "us", "countries": ["DE"]}))
    assert high_risk(tmp_path).among(["CH", "DE"]) == ["Germany"]
    assert high_risk(tmp_path).as_of == date(2030, 1, 2)
    for wrong in (
        "",
        "[]",
        '{"as_of": "x"}',
        '{"as_of":"2030-01-02","source":"","countries":["XX"]}',
    ):
        own.write_text(wrong)
        with pytest.raises(StartupError, match="fatf"):
            high_risk(tmp_path)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"legal_name": "  "}, "legal_name"),
        ({"legal_name": "x" * 121}, "legal_name"),
        ({"country": "XX"}, "country"),
        ({"business_type": "bank"}, "business_type"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"website": "https://u:p@acme.example"}, "website"),
        ({"website": "localhost"}, "website"),
        ({"website": "http://[::1"}, "website"),
    ],
)
def test_a_company_is_checked(change: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        checked_company(replace(COMPANY, **change))
    assert [name for name, _ in raised.value.fields] == [field]


def test_the_other_steps_are_checked() -> None:
    for values in (Jurisdictions((), True), Jurisdictions(("CH", "??"), True)):
        with pytest.raises(ValidationFailed):
            checked_jurisdictions(values)
    with pytest.raises(ValidationFailed) as raised:
        checked_jurisdictions(replace(WORLD, aml_acknowledged=False))
    assert raised.value.fields[0][0] == "aml_acknowledged"
    for change in ({"contact_email": "no"}, {"contact_name": ""}, {"contact_telegram": "a b"}):
        with pytest.raises(ValidationFailed) as raised:
            checked_contact(replace(CONTACT, **change))
        assert [name for name, _ in raised.value.fields] == list(change)
    assert len(countries()) == 249


async def test_review_decides_once(ctx: AppContext) -> None:
    ann = await begun(ctx)
    approved = OrganizationStatus.APPROVED

    async def decide(to: OrganizationStatus, note: str = "") -> None:
        await review.decide(
            ctx, actor=OPERATOR, organization_id=ann.organization_id, to=to, note=note
        )

    with pytest.raises(ValidationFailed, match="onboarding"):
        await decide(approved)
    await onboarding.save_expectation(ctx, actor=ann, expectation=EXPECTATION)
    await onboarding.save_jurisdictions(ctx, actor=ann, jurisdictions=WORLD)
    await onboarding.finish(ctx, actor=ann, contact=CONTACT)
    results = await asyncio.gather(decide(approved), decide(approved), return_exceptions=True)
    assert sum(isinstance(result, ValidationFailed) for result in results) == 1
    assert await _status(ctx, ann.organization_id) == "approved"
    await decide(OrganizationStatus.REJECTED, "The website is not yours.")
    row = await review.organization_of(ctx, ann.organization_id)
    assert (row["reviewed_by"], row["review_note"]) == ("command line", "The website is not yours.")
    with pytest.raises(NotFound):
        await review.decide(ctx, actor=OPERATOR, organization_id=uuid.uuid4(), to=approved)
    assert await review.counts(ctx) == {"rejected": 1}
    assert len(await review.organizations(ctx, text="acme")) == 1
    assert await review.organizations(ctx, status=approved) == []


async def test_settings_say_what_changed(ctx: AppContext) -> None:
    ann = await begun(ctx)
    website = replace(COMPANY, website="https://new.example")
    for _ in range(2):
        await onboarding.save_settings(
            ctx, actor=ann, name="Acme", company=website, contact=CONTACT
        )
    rows = await ctx.database.pool.fetch(
        "SELECT changes FROM audit_entry WHERE action = 'organization.updated'"
    )
    assert len(rows) == 1
    changes = json.loads(rows[0]["changes"])
    assert changes["name"] == {"before": "Acme Wallet Ltd", "after": "Acme"}
    assert "legal_name" not in changes


async def test_opt_outs_are_a_members_own(ctx: AppContext, organization: uuid.UUID) -> None:
    ann = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    bob = await member(ctx, organization, Role.OWNER, "bob@acme.example")
    await notices.set_opt_outs(ctx, actor=ann, unwanted={Notice.MEMBER_JOINED})
    await notices.set_opt_outs(ctx, actor=ann, unwanted={Notice.MEMBER_JOINED})
    assert await notices.opted_out_of(ctx, organization, int(ann.id)) == {Notice.MEMBER_JOINED}
    assert await notices.opted_out_of(ctx, organization, int(bob.id)) == set()
    assert await audited(ctx) == ["notices.changed"]
    await notices.set_opt_outs(ctx, actor=ann, unwanted=set())
    assert await notices.opted_out_of(ctx, organization, int(ann.id)) == set()
