"""What the attempts of a batch mean for their endpoints, in the transaction that records them.

The rows are locked in the order of their ids, so two workers judge an endpoint one after the
other, each on the failures that the other has added: they cannot both miss the fiftieth. Only
what the URL of this moment answered counts; an endpoint that was given another one starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from privata.audit import service as audit
from privata.core.tenancy import Environment, system_actor
from privata.events.ops_events import publish_ops, webhook_paused, webhook_resumed
from privata.events.service import LIVE_WAKEUP, NewEvent, live_payload
from privata.infra.database.postgres import Transaction
from privata.webhooks.endpoints.pausing import WINDOW, Evidence, Standing, Tell, judge
from privata.webhooks.engine.reconnecting import Connection
from privata.webhooks.states import EndpointStatus

# Pausing writes to the audit log, which locks the chain of the organization. So endpoints are taken
# organization by organization: two workers that pause endpoints of the same two meet each chain in
# the same order.
_LOCK: Final = """
SELECT e.*, now() AS now FROM webhook_endpoint AS e
WHERE e.id = ANY ($1::uuid[]) ORDER BY e.organization_id, e.id
FOR NO KEY UPDATE
"""

_CHANGE: Final = """
UPDATE webhook_endpoint
SET status = $2::text, failures = $3, last_error = $4, paused_at = $5, paused_reason = $6,
    paused_by = $7, resumed_by = $8, probe_until = $9, probed_at = $10, flush_tokens_at = $11,
    updated_at = CASE WHEN status = $2::text THEN updated_at ELSE now() END
WHERE id = $1 AND organization_id = $12
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """Whether an endpoint changed its ways, and the wake-ups of what was told about it."""

    any: bool = False
    wakeups: frozenset[tuple[str, str]] = frozenset()


async def judge_endpoints(connection: Connection, rows: Sequence[asyncpg.Record]) -> Changed:
    """Judge the endpoints of `rows`, one for each endpoint and URL that was recorded."""
    seen = {
        (row["endpoint_id"], row["url"]): _evidence(row)
        for row in rows
        if row["failed"] or row["gone"] or row["probed"]
    }
    if not seen:
        return Changed()
    tx = Transaction(connection)
    changes: list[tuple[object, ...]] = []
    moved = False
    for row in await connection.fetch(_LOCK, sorted({endpoint_id for endpoint_id, _ in seen})):
        evidence = seen.get((row["id"], row["url"]))
        if evidence is None:
            continue  # another place answered so
        before = _standing(row)
        after, tell = judge(before, evidence, row["now"])
        if after == before:
            continue
        moved = moved or before.status is not after.status or evidence.probed
        changes.append((row["id"], *_columns(after), row["organization_id"]))
        if tell is not None:
            await _tell(tx, row, after, tell)
        if before.status is not after.status or tell is not None:
            tx.wake(LIVE_WAKEUP, _endpoints_changed(row))
    if changes:
        await connection.executemany(_CHANGE, changes)
    return Changed(moved, frozenset(tx.wakeups))


async def _tell(tx: Transaction, row: asyncpg.Record, after: Standing, tell: Tell) -> None:
    organization_id, environment = row["organization_id"], Environment(row["environment"])
    await publish_ops(
        tx,
        organization_id=organization_id,
        environment=environment,
        event=_event(row, environment, after, tell),
    )
    await audit.record(
        tx,
        actor=system_actor(organization_id, environment, "dispatcher"),
        action="endpoint.paused" if tell is Tell.PAUSED else "endpoint.resumed",
        target=str(row["id"]),
        changes={"reason": after.paused_reason, "last_error": after.last_error},
    )


def _event(row: asyncpg.Record, environment: Environment, after: Standing, tell: Tell) -> NewEvent:
    endpoint_id: UUID = row["id"]
    now: datetime = row["now"]
    if tell is Tell.PAUSED:
        return webhook_paused(
            endpoint_id=endpoint_id,
            alias=row["alias"],
            url=row["url"],
            environment=environment,
            reason=after.paused_reason or "",
            now=now,
            paused_at=after.paused_at or now,
            last_error=after.last_error,
            failed_attempts=sum(at >= now - WINDOW for at in after.failures),
            window=WINDOW,
        )
    return webhook_resumed(
        endpoint_id=endpoint_id,
        alias=row["alias"],
        url=row["url"],
        environment=environment,
        reason="probe",
        now=now,
        waiting=row["waiting_at_resume"] or 0,
    )


def _evidence(row: asyncpg.Record) -> Evidence:
    return Evidence(
        failed=row["failed"],
        gone=row["gone"],
        probed=row["probed"],
        proved=row["proved"],
        refuted=row["refuted"],
        error=row["error"] or None,
    )


def _standing(row: asyncpg.Record) -> Standing:
    return Standing(
        status=EndpointStatus(row["status"]),
        failures=tuple(row["failures"]),
        last_error=row["last_error"],
        paused_at=row["paused_at"],
        paused_reason=row["paused_reason"],
        paused_by=row["paused_by"],
        resumed_by=row["resumed_by"],
        probe_until=row["probe_until"],
        probed_at=row["probed_at"],
        flush_tokens_at=row["flush_tokens_at"],
    )


def _columns(after: Standing) -> tuple[object, ...]:
    """In the order of the statement."""
    return (
        after.status.value,
        list(after.failures),
        after.last_error,
        after.paused_at,
        after.paused_reason,
        after.paused_by,
        after.resumed_by,
        after.probe_until,
        after.probed_at,
        after.flush_tokens_at,
    )


def _endpoints_changed(row: asyncpg.Record) -> str:
    return live_payload(row["organization_id"], row["environment"], "endpoints")
