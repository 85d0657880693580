"""The table of statuses: the guide says the same, and the conditions of SQL follow it."""

from __future__ import annotations

import re
import uuid
from itertools import product
from pathlib import Path

import pytest

from privata.core.errors import ValidationFailed
from privata.core.standing import (
    DELIVERING,
    KEYS_WORK,
    REASONS,
    TABLE,
    Capability,
    OrganizationStatus,
    keys_work,
    refused,
    webhooks_go,
    works,
)
from privata.core.tenancy import Environment
from privata.infra.context import AppContext

GUIDE = Path(__file__).parents[4] / "docs/organizations.md"


def test_the_guide_says_what_the_table_says() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in GUIDE.read_text().splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]
    head, *body = rows
    statuses = [OrganizationStatus(name) for name in head[2:]]
    assert statuses == list(OrganizationStatus)
    told = {
        Capability(row[0].strip("`")): {
            status for status, cell in zip(statuses, row[2:], strict=True) if cell == "x"
        }
        for row in body
    }
    assert told == {capability: set(TABLE[capability]) for capability in Capability}


def test_every_status_and_capability_is_decided() -> None:
    assert set(TABLE) == set(Capability)
    assert set(REASONS) == set(OrganizationStatus)
    for status in OrganizationStatus:
        # Whoever may use live may use test, and nobody is left without a way in or out.
        assert works(Capability.TEST_KEYS, status) >= works(Capability.LIVE_KEYS, status)
        for always in (
            Capability.SIGN_IN, Capability.FINISH_ORDERS, Capability.FINISH_PAYOUTS
        ):  # fmt: skip
            assert works(always, status)
        error = refused(status)
        assert (error.status, error.data) == (403, {"status": status.value})
        assert re.fullmatch(r"[A-Z].*\.", error.message)


@pytest.mark.parametrize("condition", [DELIVERING, KEYS_WORK])
async def test_the_conditions_of_sql_follow_the_table(ctx: AppContext, condition: str) -> None:
    judge = webhooks_go if condition is DELIVERING else keys_work
    for status, environment in product(OrganizationStatus, Environment):
        found = await ctx.database.pool.fetchval(
            f"SELECT {condition} FROM (VALUES ($1::text)) AS o (status),"  # ours
            " (VALUES ($2::text)) AS e (environment), (VALUES ($2::text)) AS k (environment)",
            status.value,
            environment.value,
        )
        assert found is judge(status, environment), (status, environment)


async def test_keys_are_made_where_they_would_answer(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    from privata.apikeys.service import create_key
    from privata.core.tenancy import system_actor

    for status, environment in product(OrganizationStatus, Environment):
        await ctx.database.pool.execute("UPDATE organization SET status = $1", status.value)
        actor = system_actor(organization, environment, "tests")
        async with ctx.database.transaction() as tx:
            if keys_work(status, environment):
                await create_key(tx, ctx, actor=actor, environment=environment, name="Key")
                continue
            with pytest.raises(ValidationFailed):
                await create_key(tx, ctx, actor=actor, environment=environment, name="Key")
