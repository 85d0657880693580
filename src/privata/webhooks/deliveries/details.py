"""One delivery with what its attempts brought back, as the API shows it; plain SQL, no ORM."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from privata.core.clock import iso
from privata.core.tenancy import Actor
from privata.infra.kernel import Kernel
from privata.webhooks.deliveries.listing import delivery
from privata.webhooks.endpoints.store import Row

#: Attempts that are shown, the newest ones: a delivery that failed through no fault of its
#: endpoint is tried without end.
MOST_ATTEMPTS: Final = 50

# The delivery is read by its organization and environment before; an attempt has neither.
_ATTEMPTS: Final = """
SELECT a.* FROM webhook_attempt AS a
JOIN webhook_delivery AS d ON d.id = a.delivery_id
WHERE a.delivery_id = $1 AND d.organization_id = $2 AND d.environment = $3
ORDER BY a.started_at DESC, a.id DESC LIMIT $4
"""

_PLAIN: Final = (
    "number", "stale", "url", "address", "duration_ms", "outcome", "status_code", "detail",
    "response_excerpt", "response_truncated",
)  # fmt: skip


async def delivery_details(kernel: Kernel, *, actor: Actor, delivery_id: UUID) -> dict[str, Any]:
    """The delivery and its `attempt_log`, newest first. `NotFound`."""
    shown = await delivery(kernel, actor=actor, delivery_id=delivery_id)
    rows = await kernel.database.pool.fetch(
        _ATTEMPTS,
        delivery_id,
        actor.organization_id,
        actor.environment.value,
        MOST_ATTEMPTS,
    )
    return shown | {"attempt_log": [_attempt(row) for row in rows]}


def _attempt(row: Row) -> dict[str, Any]:
    headers = row["response_headers"]
    return {
        **{name: row[name] for name in _PLAIN},
        "started_at": iso(row["started_at"]),
        "response_headers": None if headers is None else _headers(msgspec.json.decode(headers)),
    }


def _headers(stored: list[list[str]] | dict[str, str]) -> list[dict[str, str]]:
    """As they came: a header may stand there twice."""
    pairs = stored.items() if isinstance(stored, dict) else stored
    return [{"name": name, "value": value} for name, value in pairs]
