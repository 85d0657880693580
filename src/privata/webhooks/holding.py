"""Whether somebody holds a signing secret: other rooms ask here, the secret never leaves."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import Enum
from typing import Final
from uuid import UUID

from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.webhooks.sending import secret_context

# In a rotation the old secret works as long as it signs.
_WORKING: Final = """
SELECT s.id, s.sealed FROM webhook_secret AS s JOIN webhook_endpoint AS e ON e.id = s.endpoint_id
WHERE e.organization_id = $1 AND e.environment = $2 AND e.status <> 'disabled'
  AND (s.expires_at IS NULL OR s.expires_at > now())
"""


class Holding(Enum):
    """What a proof shows; `NOTHING`: there is no secret that anybody could hold."""

    PROVED = "proved"
    WRONG = "wrong"
    NOTHING = "nothing"


async def judge_holding(
    kernel: Kernel,
    tx: Transaction,
    *,
    organization_id: UUID,
    environment: Environment,
    messages: Sequence[str],
    proof: bytes,
) -> Holding:
    """Whether `proof` is HMAC-SHA256 of one of `messages` under a secret that works now.

    Any endpoint's secret will do. The key is the secret as it was shown, `whsec_` included, in
    UTF-8, whatever the endpoint's dialect.
    """
    rows = await tx.connection.fetch(_WORKING, organization_id, environment.value)
    if not rows:
        return Holding.NOTHING
    found = False
    for row in rows:
        secret = kernel.sealer.unseal(row["sealed"], secret_context(row["id"]))
        for message in messages:
            wanted = hmac.digest(secret, message.encode(), hashlib.sha256)
            # All are compared, in constant time, so that the time tells nothing about which.
            found |= hmac.compare_digest(wanted, proof)
    return Holding.PROVED if found else Holding.WRONG
