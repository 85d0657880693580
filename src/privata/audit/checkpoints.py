"""Daily checkpoints: where each chain was, sealed with a secret that the database does not know.

Whoever may do everything in the database can delete the last entries and put the head back, and
the chain still holds. A checkpoint says what there was; its seal is an HMAC under the
installation's secret keys, and it is written to the log as well, which lies elsewhere.
"""

from __future__ import annotations

import hmac
import logging
from typing import Any
from uuid import UUID

from privata.infra.context import AppContext

log = logging.getLogger(__name__)

_MOVED = """
SELECT h.chain, h.seq, h.hash FROM audit_head AS h
WHERE NOT EXISTS (
    SELECT FROM audit_checkpoint AS c WHERE c.chain = h.chain AND c.seq >= h.seq)
ORDER BY h.chain
"""

# Two workers may see the same head: the second finds the checkpoint made.
_INSERT = """
INSERT INTO audit_checkpoint (chain, seq, hash, seal)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[])
ON CONFLICT DO NOTHING
"""


def _sealed(chain: UUID, seq: int, digest: bytes) -> str:
    return f"audit-checkpoint:{chain}:{seq}:{digest.hex()}"


def seal_holds(ctx: AppContext, chain: UUID, checkpoint: Any) -> bool:
    """Whether the seal of a stored checkpoint was made by this installation."""
    text = _sealed(chain, checkpoint["seq"], checkpoint["hash"])
    seal: bytes = checkpoint["seal"]
    return any(hmac.compare_digest(seal, one) for one in ctx.sealer.digests(text))


async def make_checkpoints(ctx: AppContext) -> int:
    """A checkpoint for each chain that has moved since its last one; how many were made."""
    heads = await ctx.database.pool.fetch(_MOVED)
    if not heads:
        return 0
    seals = [ctx.sealer.digest(_sealed(head["chain"], head["seq"], head["hash"])) for head in heads]
    await ctx.database.pool.execute(
        _INSERT,
        [head["chain"] for head in heads],
        [head["seq"] for head in heads],
        [head["hash"] for head in heads],
        seals,
    )
    for head in heads:
        log.info(
            "audit checkpoint: chain %s, entry %d, hash %s",
            head["chain"],
            head["seq"],
            head["hash"].hex(),
        )
    return len(heads)
