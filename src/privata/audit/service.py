"""Recording what was done; the one way into the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from privata.core.tenancy import Actor
from privata.infra.postgres import Transaction

_INSERT = """
INSERT INTO audit_entry (organization_id, environment, actor_kind, actor_id, actor_label, action,
                         target, ip, user_agent, session, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


def changed(before: object, after: object) -> dict[str, object]:
    """What a field was and what it became, in the form that the log's page shows side by side."""
    return {"before": before, "after": after}


async def record(
    tx: Transaction,
    *,
    actor: Actor,
    action: str,
    target: str,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry in the caller's transaction: the act and its entry stand or fall together.

    `action` is `<noun>.<past participle>`, such as `endpoint.paused`; `changes` holds no secret:
    a value stands for what a field became, `changed(before, after)` for both. Record after the
    other rows of the act are locked: the organization's chain is locked from here to the commit.
    """
    await tx.connection.execute(
        _INSERT,
        actor.organization_id,
        actor.environment.value,
        actor.kind.value,
        actor.id,
        actor.label[:254],
        action,
        target[:128],
        actor.ip,
        actor.user_agent[:256],
        actor.session[-8:],
        None if changes is None else json.dumps(changes, default=str),
    )
