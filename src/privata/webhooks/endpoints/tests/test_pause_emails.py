"""A pause that was not somebody's own doing is told by mail, once, to who can mend it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from privata.core.roles import Role
from privata.infra.kernel import Kernel
from privata.organizations.tests.people import member
from privata.webhooks.endpoints.pause_emails import tell_once
from privata.webhooks.endpoints.service import pause_endpoint
from privata.webhooks.engine.settling import settle
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    endpoint,
    failed,
    line,
    publish_order,
)


async def paused_by_failures(kernel: Kernel, organization: UUID) -> UUID:
    endpoint_id, _ = await endpoint(kernel, organization)
    for _ in range(50):
        await publish_order(kernel, organization)
    async with line(kernel) as db:
        await settle(db, [failed(one) for one in await claim_some(db)])
    return endpoint_id


async def mailed(kernel: Kernel) -> list[tuple[str, str]]:
    rows = await kernel.database.pool.fetch("SELECT letter, recipient FROM mail ORDER BY recipient")
    return [tuple(row) for row in rows]


async def test_the_technical_contact_is_told_once_for_each_pause(
    kernel: Kernel, organization: UUID
) -> None:
    await member(kernel, organization, Role.OWNER, "owner@acme.example")
    await kernel.database.pool.execute(
        "INSERT INTO organization_profile (organization_id, contact_email) VALUES ($1, $2)",
        organization,
        "ops@acme.example",
    )
    endpoint_id = await paused_by_failures(kernel, organization)
    assert sum(await asyncio.gather(*(tell_once(kernel) for _ in range(5)))) == 1
    assert await tell_once(kernel) == 0
    assert await mailed(kernel) == [("endpoint_paused", "ops@acme.example")]
    # Paused anew, as after a resume by hand whose probe failed.
    await kernel.database.pool.execute(
        "UPDATE webhook_endpoint SET paused_at = paused_at + $2 WHERE id = $1",
        endpoint_id,
        timedelta(minutes=1),
    )
    assert await tell_once(kernel) == 1


async def test_owners_are_told_where_no_contact_is_named(
    kernel: Kernel, organization: UUID
) -> None:
    for role in Role:
        await member(kernel, organization, role, f"{role.value}@acme.example")
    await paused_by_failures(kernel, organization)
    assert await tell_once(kernel) == 1
    assert await mailed(kernel) == [("endpoint_paused", "owner@acme.example")]


async def test_who_pauses_by_hand_is_not_told_of_it(kernel: Kernel, organization: UUID) -> None:
    await member(kernel, organization, Role.OWNER, "owner@acme.example")
    endpoint_id, _ = await endpoint(kernel, organization)
    await pause_endpoint(kernel, actor=actor_of(organization), endpoint_id=endpoint_id)
    assert await tell_once(kernel) == 0
    assert await mailed(kernel) == []
