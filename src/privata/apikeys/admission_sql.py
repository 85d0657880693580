"""The statement that admits a group of calls: keys, lockouts and buckets in one round trip."""

from __future__ import annotations

from typing import Final

from privata.apikeys.reach import HELD_SCOPES
from privata.infra.limits import TAKE

# A row of `asking` is a caller: the calls of one key from one address, of one kind. `tried` are
# the digests of its key. A wrong key counts as none: its calls are paid by its address. Each
# environment of an organization pays for itself: what is tried in the sandbox keeps no live call
# out.
#
# What a key may do is judged here again by who made the secret (`reach`).
#
# Every array is a sub-select: the planner does not see how long it is. A plan made for the call
# would look cheaper than the kept one whenever the group is small, and PostgreSQL would plan this
# statement at every call, which takes four times as long as to run it.
#
# Buckets are locked in the order of their names, so that two groups never wait for each other.
# `last_used_at` is written at most once a minute, and not while another call is writing it.
_CALLERS: Final = f"""
WITH asking AS (
    SELECT * FROM unnest((SELECT $1::int[]), (SELECT $2::text[]), (SELECT $3::text[]),
                         (SELECT $4::text[]), (SELECT $5::float8[]), (SELECT $6::float8[]),
                         (SELECT $7::int[]))
        AS a(n, ip, source, kind, with_key, without_key, wanted)
), tried AS (
    SELECT * FROM unnest((SELECT $8::int[]), (SELECT $9::bytea[])) AS t(n, digest)
), lockout AS (
    SELECT a.n, l.locked_until FROM asking AS a JOIN key_lockout AS l ON l.ip = a.source::inet
    WHERE l.locked_until > now()
), found AS (
    SELECT a.n, a.ip, k.id, k.organization_id, k.environment, s.prefix, o.status,
           ({HELD_SCOPES}) AS scopes, s.id AS secret_id, s.last_used_at, s.digest_key
    FROM tried AS t
    JOIN asking AS a ON a.n = t.n
    JOIN api_key_secret AS s ON s.digest = t.digest
    JOIN api_key AS k ON k.id = s.key_id
    JOIN shared_organization AS o ON o.id = k.organization_id
    WHERE k.revoked_at IS NULL
      AND (s.dead_at IS NULL OR s.dead_at > now())
      AND (k.expires_on IS NULL OR k.expires_on > (now() AT TIME ZONE 'UTC')::date)
      AND (cardinality(k.allowed_cidrs) = 0
           OR a.ip::inet <<= ANY (k.allowed_cidrs::inet[]))
      AND NOT EXISTS (SELECT FROM lockout AS l WHERE l.n = a.n)
), stale AS (
    SELECT s.id, f.ip FROM found AS f JOIN api_key_secret AS s ON s.id = f.secret_id
    WHERE f.last_used_at IS NULL OR f.last_used_at < now() - interval '1 minute'
    FOR NO KEY UPDATE OF s SKIP LOCKED
), noted AS (
    UPDATE api_key_secret AS s SET last_used_at = now(), last_used_ip = stale.ip::inet
    FROM stale WHERE s.id = stale.id
), payer AS (
    SELECT a.n, a.kind,
           coalesce(f.organization_id::text || ':' || f.environment, 'ip:' || a.source) AS subject,
           CASE WHEN f.n IS NULL THEN a.without_key ELSE a.with_key END AS allowed, a.wanted
    FROM asking AS a LEFT JOIN found AS f ON f.n = a.n
    WHERE NOT EXISTS (SELECT FROM lockout AS l WHERE l.n = a.n)
), wanted AS (
    SELECT subject, kind, min(allowed) AS allowed, sum(wanted) AS tokens
    FROM payer GROUP BY subject, kind ORDER BY subject, kind
), bucket AS (
{TAKE})
"""  # noqa: S608  # put together out of constants

_OUTCOME: Final = """
SELECT asking.n AS caller_n, lockout.locked_until AS caller_locked_until,
       payer.subject AS caller_subject, bucket.tokens AS caller_tokens,
       bucket.granted AS caller_granted, found.id AS caller_key,
       found.organization_id AS caller_organization, found.environment AS caller_environment,
       found.scopes AS caller_scopes, found.prefix AS caller_prefix,
       found.status AS caller_status, found.secret_id AS caller_secret,
       found.digest_key AS caller_digest_key
FROM asking
LEFT JOIN lockout ON lockout.n = asking.n
LEFT JOIN payer ON payer.n = asking.n
LEFT JOIN bucket ON bucket.subject = payer.subject AND bucket.kind = payer.kind
LEFT JOIN found ON found.n = asking.n
"""

#: One row for each caller.
ADMIT: Final = _CALLERS + _OUTCOME


#: What a companion may use, and its type.
_OF_CALL: Final = {
    "call.about": "text",
    "found.organization_id": "uuid",
    "found.environment": "text",
}


def companion_apart(sql: str) -> tuple[str, tuple[str, ...]]:
    """The read by itself, and what its parameters stand for, in their order."""
    used = tuple(name for name in _OF_CALL if name in sql)
    for n, name in enumerate(used, 1):
        sql = sql.replace(name, f"${n}::{_OF_CALL[name]}")
    return sql, used


def with_companion(sql: str) -> str:
    """The statement with a read that comes along: one row for each call, `call_i` its number.

    The read may use `found.organization_id`, `found.environment` and `call.about`.
    """
    along = f"""
SELECT outcome.*, call.i AS call_i, companion.*
FROM unnest((SELECT $10::int[]), (SELECT $11::int[]), (SELECT $12::text[])) AS call(i, n, about)
JOIN outcome ON outcome.caller_n = call.n
LEFT JOIN found ON found.n = call.n
LEFT JOIN LATERAL ({sql}) AS companion ON true
"""  # noqa: S608  # `sql` is a constant of a room
    return f"{_CALLERS}, outcome AS ({_OUTCOME}) {along}"
