"""Recording what was done; the one way into the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction

_INSERT = """
INSERT INTO audit_entry (organization_id, environment, actor_kind, actor_id, actor_label, action,
                         target, ip, user_agent, session, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


def changed(before: object, after: object) -> dict[str, object]:
    """What a field was and what it became, in the form that the log's page shows side by side."""
    return {"before": before, "after": after}


def terms(values: Mapping[str, object]) -> str:
    """Several named values as one text, such as the filters of an export: `status=failed; to=…`."""
    return "; ".join(f"{name}={_term(value)}" for name, value in values.items())


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
    a value stands for what a field became, several values are a tuple, and `changed(before, after)`
    stands for both sides. `TypeError` for any other shape: the log can never be repaired, and a
    list of two could be either. Record after the other rows of the act are locked: the
    organization's chain is locked from here to the commit.
    """
    for name, value in (changes or {}).items():
        _check_shape(name, value)
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


def _check_shape(name: str, value: object) -> None:
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return
    if isinstance(value, list | dict | set | frozenset):
        raise TypeError(
            f"The change of {name} is a {type(value).__name__}: record a tuple of values, or"
            " changed(before, after)."
        )


def _term(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(one) for one in value)
    return str(value)
