"""The digests of personal access tokens: which secret key they hang on, and moving them to the
first one."""

from __future__ import annotations

from typing import Final

from privata.infra.secret_keys.redigesting import DigestColumn

#: Tokens that still work.
TOKENS: Final = DigestColumn(
    "personal_token",
    "token",
    living="""
SELECT id, organization_id, prefix AS label, digest_key FROM personal_token
WHERE revoked_at IS NULL AND expires_at > now()
""",
    redigest="""
UPDATE personal_token SET digest = $2, digest_key = $3
WHERE id = $1 AND digest_key IS DISTINCT FROM $3
""",
)
