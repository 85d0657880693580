"""Where the room's sealed values lie, and what they are bound to."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from privata.infra.secret_keys.columns import SealedColumn


def context(mail_id: UUID) -> str:
    """What a mail's sealed values are bound to."""
    return f"mail:{mail_id}"


#: The values of mails that wait.
MAILS: Final = SealedColumn(
    "mail",
    "sealed",
    {"id": "uuid"},
    lambda row: context(row["id"]),
    where="sealed IS NOT NULL",
)
