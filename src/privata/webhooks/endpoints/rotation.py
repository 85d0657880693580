"""Replacing signing secrets, with a window in which both work or without one (docs/webhooks.md).

The end of a secret is a time in its row, judged whenever an attempt is claimed and signed. No job
has to run for an old secret to stop, so none can be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from privata.audit.service import changed
from privata.core.errors import RotationInProgress, ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints.access import locked_endpoint, note
from privata.webhooks.endpoints.new_secrets import new_secret
from privata.webhooks.endpoints.secret_emails import tell_of_secret
from privata.webhooks.states import EndpointStatus

#: Seconds for which old and new secret both sign, unless said otherwise; and the most of it.
OVERLAP_S: Final = 300
MAX_OVERLAP_S: Final = 86_400

_WINDOW: Final = """
SELECT max(expires_at) FROM webhook_secret
WHERE organization_id = $1 AND environment = $2 AND endpoint_id = $3 AND expires_at > now()
"""

# A window that is over at once ends before this statement's own time, not at it.
_END: Final = """
UPDATE webhook_secret SET expires_at = statement_timestamp() + make_interval(secs => $4)
WHERE organization_id = $1 AND environment = $2 AND endpoint_id = $3 AND expires_at IS NULL
RETURNING id, expires_at
"""

_INSERT: Final = """
INSERT INTO webhook_secret (organization_id, environment, endpoint_id, id, sealed, hint, by_program,
                            created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, statement_timestamp())
"""

_END_NOW: Final = """
UPDATE webhook_secret SET expires_at = statement_timestamp()
WHERE organization_id = $1 AND environment = $2 AND endpoint_id = $3 AND expires_at > now()
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new secret, shown this once; until when the old one signs as well."""

    secret_id: UUID
    secret: str
    old_expires_at: datetime


async def rotate_secret(
    ctx: AppContext,
    *,
    actor: Actor,
    endpoint_id: UUID,
    overlap_s: int = OVERLAP_S,
    keep: Keep[Rotated] | None = None,
) -> Rotated:
    """Give the endpoint a new secret; the old one signs beside it for `overlap_s` seconds.

    0 ends the old one at once. Attempts that were claimed before this commits, at most those in
    flight, are still signed with the old one alone. `RotationInProgress` while two secrets sign,
    `ValidationFailed` for a disabled endpoint or an overlap above a day.
    """
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        sentence = f"must be 0 to {MAX_OVERLAP_S} seconds"
        raise ValidationFailed(f"overlap_s {sentence}.", fields=[("overlap_s", sentence)])
    async with ctx.database.transaction() as tx:
        # The endpoint's lock lets two rotations take turns: the second sees the first's window.
        row = await locked_endpoint(tx, actor, endpoint_id)
        if row["status"] == EndpointStatus.DISABLED:
            raise ValidationFailed("This endpoint is disabled.")
        its = (actor.organization_id, actor.environment.value, endpoint_id)
        await _refuse_within_window(tx, its)
        ended = await tx.connection.fetchrow(_END, *its, overlap_s)
        assert ended is not None, "every endpoint has a current secret"
        secret = new_secret(ctx.sealer, actor.environment, row["dialect"])
        await tx.connection.execute(
            _INSERT, *its, secret.id, secret.sealed, secret.hint, actor.is_program
        )
        made = Rotated(secret.id, secret.plain, ended["expires_at"])
        changes = {"secret": changed(ended["id"], secret.id), "overlap_s": overlap_s}
        await note(tx, actor, "endpoint.secret_rotated", endpoint_id, changes)
        await tell_of_secret(ctx, tx, actor=actor, endpoint_id=endpoint_id)
        if keep is not None:
            await keep(tx, made)
    return made


async def end_old_secret_now(ctx: AppContext, *, actor: Actor, endpoint_id: UUID) -> bool:
    """End a rotation's window: only the new secret signs from now on. False if none was open."""
    async with ctx.database.transaction() as tx:
        await locked_endpoint(tx, actor, endpoint_id)
        ended = await tx.connection.fetch(
            _END_NOW, actor.organization_id, actor.environment.value, endpoint_id
        )
        if ended:
            changes = {"old": tuple(row["id"] for row in ended)}
            await note(tx, actor, "endpoint.old_secret_ended", endpoint_id, changes)
    return bool(ended)


async def _refuse_within_window(tx: Transaction, its: tuple[UUID, str, UUID]) -> None:
    until: datetime | None = await tx.connection.fetchval(_WINDOW, *its)
    if until is not None:
        raise RotationInProgress(until)
