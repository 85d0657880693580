"""The digests of API keys: which secret key they hang on, and moving them to the first one."""

from __future__ import annotations

from typing import Final

from privata.infra.secret_keys.redigesting import DigestColumn

#: Secrets that still work. `id` is the key's, as pages and commands show it.
KEYS: Final = DigestColumn(
    "api_key_secret",
    "API key",
    living="""
SELECT k.id, k.organization_id, s.prefix AS label, s.digest_key
FROM api_key_secret AS s JOIN api_key AS k ON k.id = s.key_id
WHERE k.revoked_at IS NULL AND (s.dead_at IS NULL OR s.dead_at > now())
  AND (k.expires_on IS NULL OR k.expires_on > (now() AT TIME ZONE 'UTC')::date)
""",
    redigest="""
UPDATE api_key_secret SET digest = $2, digest_key = $3
WHERE id = $1 AND digest_key IS DISTINCT FROM $3
""",
)
