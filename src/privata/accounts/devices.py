"""Browsers that a person has signed in from."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from privata.accounts import codes, letters, limits, trail
from privata.accounts.codes import Verdict
from privata.accounts.place import Place
from privata.accounts.states import CodePurpose
from privata.infra.kernel import Kernel
from privata.notifications.catalogue import Letter

_KNOWN: Final = """
SELECT EXISTS (SELECT FROM known_device WHERE user_id = $1 AND digest = ANY($2::bytea[]))
"""

_REMEMBER: Final = """
INSERT INTO known_device (user_id, digest, user_agent, ip) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, digest) DO UPDATE SET last_used_at = now(), ip = excluded.ip,
    user_agent = excluded.user_agent
"""


async def is_known(kernel: Kernel, *, user_id: int, token: str | None) -> bool:
    """Whether the browser with this token has been used by the person."""
    if not token:
        return False
    digests = kernel.sealer.digests(_text(token))
    return bool(await kernel.database.pool.fetchval(_KNOWN, user_id, digests))


async def signed_in(
    kernel: Kernel, *, user_id: int, email: str, token: str, place: Place, tell: bool
) -> None:
    """Remember the browser after a sign-in, record the sign-in, and with `tell` say so by mail."""
    async with kernel.database.transaction() as tx:
        await tx.connection.execute(
            _REMEMBER, user_id, kernel.sealer.digest(_text(token)), place.user_agent[:256], place.ip
        )
        await trail.record(
            tx,
            user_id=user_id,
            email=email,
            place=place,
            action="session.started",
            changes={"new_device": tell},
        )
        if tell:
            await letters.tell(tx, kernel, Letter.NEW_LOGIN, email, place)


async def send_code(
    kernel: Kernel, *, email: str, place: Place, instead_of: UUID | None = None
) -> UUID | None:
    """Mail a code for a new browser; its id, or None where the limit of mails is reached."""
    if not (await limits.take(kernel, limits.DEVICE_MAILS, email)).granted:
        return None
    async with kernel.database.transaction() as tx:
        minted = await codes.mint(
            tx, kernel.sealer, purpose=CodePurpose.NEW_DEVICE, email=email, instead_of=instead_of
        )
        await letters.tell(
            tx,
            kernel,
            Letter.NEW_DEVICE_CODE,
            email,
            place,
            useless_after=minted.expires_at,
            code=minted.code,
        )
    return minted.id


async def check_code(kernel: Kernel, code_id: UUID, typed: str) -> Verdict:
    """Judge the code for a new browser and use it up."""
    verdict = await codes.judge(kernel, code_id, typed, CodePurpose.NEW_DEVICE)
    if verdict is not Verdict.RIGHT:
        return verdict
    async with kernel.database.transaction() as tx:
        used = await codes.use(tx, code_id)
    return Verdict.RIGHT if used else Verdict.ENDED


def _text(token: str) -> str:
    return f"known_device:{token}"
