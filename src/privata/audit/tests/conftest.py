"""Entries to look at."""

from __future__ import annotations

import uuid

from privata.audit import service as audit
from privata.core.tenancy import Environment, system_actor
from privata.infra.kernel import Kernel


async def act(kernel: Kernel, organization_id: uuid.UUID, number: int, **more: object) -> None:
    """Record one entry of the organization's chain."""
    actor = system_actor(organization_id, Environment.TEST, "tests")
    async with kernel.database.transaction() as tx:
        changes = {"number": number, "word": "Käse, «ja»", **more}
        await audit.record(tx, actor=actor, action="thing.done", target="it", changes=changes)
