"""Where the room's sealed values lie."""

from __future__ import annotations

from typing import Final

from privata.infra.secret_keys.columns import SealedColumn
from privata.webhooks.signing.signatures import secret_context

#: Signing secrets of endpoints, the expired ones included.
SECRETS: Final = SealedColumn(
    "webhook_secret",
    "sealed",
    {"organization_id": "uuid", "environment": "text", "id": "uuid"},
    lambda row: secret_context(row["id"]),
)
