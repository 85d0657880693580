"""Answering a POST once for each `Idempotency-Key`, alike on every route (docs/errors.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from privata.core.errors import ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction
from privata.infra.http import idempotency
from privata.infra.http.access import context_of
from privata.infra.http.sealed_answers import answer_context
from privata.infra.http.wire import JsonBytes
from privata.infra.sealing import Sealer

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a call leaves its answer; without an Idempotency-Key it is not stored."""

    status_code: int
    claim: idempotency.Claim | None = None
    sealer: Sealer | None = None
    context: str = ""

    async def keep(self, tx: Transaction, body: bytes) -> None:
        """Store it in the transaction of the effect: after a crash both exist or neither."""
        if self.claim is None:
            return
        if self.sealer is not None:
            body = self.sealer.seal(body, self.context)
        await idempotency.finish(tx, self.claim, status_code=self.status_code, body=body)


async def once(
    request: Request,
    actor: Actor,
    *,
    status_code: int,
    body: bytes,
    work: Callable[[Answer], Awaitable[bytes]],
    secret: bool = False,
) -> Response:
    """Do `work`, or give the answer that the key's first call got.

    `work` returns the encoded answer after keeping it in its own transaction. With `secret` what
    is kept is sealed: an answer that shows a secret once must not lie open for a day.
    """
    keys = request.headers.getlist(IDEMPOTENCY_HEADER)
    if not keys:
        return JsonBytes(await work(Answer(status_code)), status_code)
    if len(keys) > 1:
        raise ValidationFailed(
            f"{IDEMPOTENCY_HEADER} is given twice.",
            fields=[(IDEMPOTENCY_HEADER, "is given twice")],
        )
    # HTTP leaves spaces around a value out (RFC 9110, 5.5), but not every server and proxy does.
    key = keys[0].strip(" \t")
    if not 0 < len(key) <= idempotency.MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        sentence = f"must be 1 to {idempotency.MAX_KEY_LENGTH} printable ASCII characters"
        raise ValidationFailed(
            f"{IDEMPOTENCY_HEADER} is invalid.", fields=[(IDEMPOTENCY_HEADER, sentence)]
        )
    ctx = context_of(request)
    digest = idempotency.request_digest(
        request.method, request.url.path, request.query_params.multi_items(), body
    )
    held = await idempotency.claim(
        ctx.database.pool, actor.organization_id, actor.environment, key, digest
    )
    sealer = ctx.sealer if secret else None
    context = answer_context(actor.organization_id, actor.environment, key)
    if isinstance(held, idempotency.Replay):
        kept = held.body if sealer is None else sealer.unseal(held.body, context)
        return JsonBytes(kept, held.status_code, {"Idempotent-Replayed": "true"})
    try:
        made = await work(Answer(status_code, held, sealer, context))
    except BaseException:
        # Nothing was made: the key is free again, for the corrected request or a retry.
        await idempotency.release(ctx.database.pool, held)
        raise
    return JsonBytes(made, status_code)
