"""One delivery with what its attempts brought back, as the API shows it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from privata.core.clock import iso
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.webhooks.deliveries import reading
from privata.webhooks.deliveries.beside import AttemptRow, attempts_of
from privata.webhooks.deliveries.listing import shown
from privata.webhooks.endpoints.reading import Partition

#: Attempts that are shown, the newest ones: a delivery that failed through no fault of its
#: endpoint is tried without end.
MOST_ATTEMPTS: Final = 50


async def delivery_details(ctx: AppContext, *, actor: Actor, delivery_id: UUID) -> dict[str, Any]:
    """The delivery and its `attempt_log`, newest first. `NotFound`."""
    partition = Partition(actor.organization_id, actor.environment)
    found = await reading.delivery(ctx, partition, delivery_id)
    attempts = await attempts_of(ctx, partition, delivery_id, most=MOST_ATTEMPTS)
    return shown(found) | {"attempt_log": [_attempt(row) for row in attempts]}


def _attempt(row: AttemptRow) -> dict[str, Any]:
    headers = row.response_headers
    return {
        "number": row.number,
        "stale": row.stale,
        "url": row.url,
        "address": row.address,
        "duration_ms": row.duration_ms,
        "outcome": row.outcome,
        "status_code": row.status_code,
        "detail": row.detail,
        "response_excerpt": row.response_excerpt,
        "response_truncated": row.response_truncated,
        "started_at": iso(row.started_at),
        "response_headers": None
        if headers is None
        else [{"name": name, "value": value} for name, value in headers],
    }
