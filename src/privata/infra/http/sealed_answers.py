"""Kept answers that show a secret: sealed among those that are not."""

from __future__ import annotations

from typing import Final

from privata.infra.secret_keys.columns import SealedColumn


def answer_context(organization_id: object, environment: object, key: str) -> str:
    """What a kept answer is bound to."""
    return f"idempotency:{organization_id}:{environment}:{key}"


#: Bodies that begin with the version of a sealed value, as no JSON does.
ANSWERS: Final = SealedColumn(
    "idempotency_key",
    "body",
    {"organization_id": "uuid", "environment": "text", "key": "text"},
    lambda row: answer_context(row["organization_id"], row["environment"], row["key"]),
    where="substring(body from 1 for 1) = '\\x01'",
)
