"""Six-digit codes by mail: for a sign-up, for a new browser. A code works once, within ten
minutes, and only so many tries are judged."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from privata.accounts.states import CodePurpose
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.sealing import Sealer

LIFETIME: Final = timedelta(minutes=10)

#: Tries of one code that are judged (docs/accounts.md).
TRIES: Final = {CodePurpose.SIGN_UP: 5, CodePurpose.NEW_DEVICE: 3}

DIGITS: Final = 6


class CodeCheck(StrEnum):
    """`ended`: used, expired, or tried too often; only a new code helps."""

    RIGHT = "right"
    WRONG = "wrong"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Minted:
    """A new code; `code` goes into a mail and nowhere else."""

    id: UUID
    code: str
    expires_at: datetime


_INSERT: Final = """
INSERT INTO mailed_code (id, purpose, email, digest, expires_at)
VALUES ($1, $2, $3, $4, now() + $5::interval) RETURNING expires_at
"""

# A resend ends the code before it: only one is open at a time.
_END: Final = "UPDATE mailed_code SET used_at = now() WHERE id = $1 AND used_at IS NULL"

# The try is counted before the code is compared, so guesses at the same moment share the limit.
_TAKE_TRY: Final = """
UPDATE mailed_code SET tries = tries + 1
WHERE id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > now() AND tries < $3
RETURNING digest
"""

# Two right answers at the same moment: the second finds no row.
_USE: Final = """
UPDATE mailed_code SET used_at = now() WHERE id = $1 AND used_at IS NULL RETURNING email
"""


async def mint(
    tx: Transaction,
    sealer: Sealer,
    *,
    purpose: CodePurpose,
    email: str,
    instead_of: UUID | None = None,
) -> Minted:
    """Make a code for `email`; `instead_of` is an earlier one, which ends."""
    if instead_of is not None:
        await tx.connection.execute(_END, instead_of)
    code_id, code = uuid.uuid4(), f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    expires_at: datetime = await tx.connection.fetchval(
        _INSERT, code_id, purpose.value, email, sealer.digest(_text(code_id, code)), LIFETIME
    )
    return Minted(code_id, code, expires_at)


async def judge(ctx: AppContext, code_id: UUID, typed: str, purpose: CodePurpose) -> CodeCheck:
    """Count a try and compare. A right code is not used up yet: see `use`."""
    stored: bytes | None = await ctx.database.pool.fetchval(
        _TAKE_TRY, code_id, purpose.value, TRIES[purpose]
    )
    if stored is None:
        return CodeCheck.ENDED
    # Every key is tried: the installation's first key may have been replaced meanwhile.
    candidates = ctx.sealer.digests(_text(code_id, digits_of(typed)))
    right = [hmac.compare_digest(stored, each) for each in candidates]
    return CodeCheck.RIGHT if any(right) else CodeCheck.WRONG


async def use(tx: Transaction, code_id: UUID) -> str | None:
    """Use a code up; the address that it proved, or None if somebody was faster."""
    email: str | None = await tx.connection.fetchval(_USE, code_id)
    return email


def digits_of(typed: str) -> str:
    """What was typed without spaces and dashes: "123 456" is a code."""
    return "".join(each for each in typed if each not in " -\t\u00a0")


def _text(code_id: UUID, code: str) -> str:
    return f"mailed_code:{code_id}:{code}"
