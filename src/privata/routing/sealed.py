"""Where the room's sealed values lie."""

from __future__ import annotations

from typing import Final

from privata.infra.secret_keys.columns import SealedColumn
from privata.routing.adapters import credentials_context

#: What providers gave the operator, of disabled ones too.
CREDENTIALS: Final = SealedColumn(
    "provider",
    "credentials",
    {"name": "text"},
    lambda row: credentials_context(row["name"]),
    where="credentials IS NOT NULL",
)
