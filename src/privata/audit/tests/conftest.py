"""Entries to look at."""

from __future__ import annotations

import uuid

from privata.audit import service as audit
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext


async def act(ctx: AppContext, organization_id: uuid.UUID, number: int, **more: object) -> None:
    """Record one entry of the organization's chain."""
    actor = system_actor(organization_id, Environment.TEST, "tests")
    async with ctx.database.transaction() as tx:
        changes = {"number": number, "word": "Käse, «ja»", **more}
        await audit.record(tx, actor=actor, action="thing.done", target="it", changes=changes)
