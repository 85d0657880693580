"""Whether somebody holds a signing secret: other rooms ask here, the secret never leaves."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.webhooks.signing.signatures import secret_context

# In a rotation the old secret works as long as it signs. How old a secret is, is the database's
# word: it wrote the time, and it compares it.
_WORKING: Final = """
SELECT s.id, s.sealed, s.created_at + $3::interval AS proves_from,
       s.created_at + $3::interval <= statement_timestamp() AS proves
FROM webhook_secret AS s JOIN webhook_endpoint AS e ON e.organization_id = s.organization_id
 AND e.environment = s.environment AND e.id = s.endpoint_id
WHERE s.organization_id = $1 AND s.environment = $2 AND e.status <> 'disabled'
  AND (s.expires_at IS NULL OR s.expires_at > now())
ORDER BY s.created_at
"""


class Possession(Enum):
    """What a proof shows.

    `YOUNG`: it was made with a secret that is too new to prove anything, or there are only such.
    `NOTHING`: there is no secret that anybody could hold.
    """

    PROVED = "proved"
    WRONG = "wrong"
    YOUNG = "young"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Judged:
    """The result; for `YOUNG` from when on the secret in question proves."""

    possession: Possession
    proves_from: datetime | None = None


async def judge_possession(
    ctx: AppContext,
    tx: Transaction,
    *,
    organization_id: UUID,
    environment: Environment,
    messages: Sequence[str],
    proof: bytes,
    min_age: timedelta,
) -> Judged:
    """Whether `proof` is HMAC-SHA256 of one of `messages` under a secret that works now.

    Any endpoint's secret will do that is at least `min_age` old: whoever can make an endpoint or
    rotate its secret is shown a new one, and has shown nothing by knowing it. The key is the secret
    as it was shown, `whsec_` included, in UTF-8, whatever the endpoint's dialect.
    """
    rows = await tx.connection.fetch(_WORKING, organization_id, environment.value, min_age)
    if not rows:
        return Judged(Possession.NOTHING)
    proved, young = False, None
    for row in rows:
        secret = ctx.sealer.unseal(row["sealed"], secret_context(row["id"]))
        for message in messages:
            wanted = hmac.digest(secret, message.encode(), hashlib.sha256)
            # All are compared, in constant time, so that the time tells nothing about which.
            same = hmac.compare_digest(wanted, proof)
            proved |= same and row["proves"]
            young = row["proves_from"] if same and not row["proves"] else young
    if proved:
        return Judged(Possession.PROVED)
    if young is None and not any(row["proves"] for row in rows):
        young = rows[0]["proves_from"]
    return Judged(Possession.WRONG) if young is None else Judged(Possession.YOUNG, young)


async def can_prove(
    tx: Transaction, *, organization_id: UUID, environment: Environment, min_age: timedelta
) -> Judged:
    """Whether there is a secret that could prove anything now: `PROVED`, `YOUNG` or `NOTHING`."""
    rows = await tx.connection.fetch(_WORKING, organization_id, environment.value, min_age)
    if not rows:
        return Judged(Possession.NOTHING)
    if any(row["proves"] for row in rows):
        return Judged(Possession.PROVED)
    return Judged(Possession.YOUNG, rows[0]["proves_from"])
