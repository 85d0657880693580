"""Where the room's sealed values lie, and what they are bound to."""

from __future__ import annotations

from typing import Final

from privata.infra.secret_keys.columns import SealedColumn


def session_context(digest: bytes) -> str:
    """What a session's contents are bound to: the SHA-256 of its token."""
    return f"session:{digest.hex()}"


def totp_context(user_id: int) -> str:
    """What the secret of a person's authenticator app is bound to."""
    return f"totp_secret:{user_id}"


#: What sessions hold.
SESSIONS: Final = SealedColumn(
    "user_session",
    "sealed",
    {"id": "bigint"},
    lambda row: session_context(row["key_digest"]),
    needs=("key_digest",),
)

#: Secrets of authenticator apps, base64 in JSON beside the last used step.
APPS: Final = SealedColumn(
    "mfa_authenticator",
    "data",
    {"id": "bigint"},
    lambda row: totp_context(row["user_id"]),
    needs=("user_id",),
    where="type = 'totp'",
    sealed="decode(data->>'secret', 'base64')",
    # PostgreSQL breaks base64 into lines.
    put="data = jsonb_set(t.data, '{secret}',"
    " to_jsonb(translate(encode(new_bytes, 'base64'), E'\\n', '')))",
)
