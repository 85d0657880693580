"""A payout's one-time challenge, and the answer that proves a secret (docs/payouts.md). Pure.

    privata-payout-v1:<payout id>:<amount>:<currency>:<address>:<unix expiry>:<token>

It says in plain text what is confirmed, so that whoever computes the answer can look first. None of
the parts can hold a colon, so two payouts never have one challenge. The token is a MAC under the
installation's key over all of it, the organization and a random nonce of the payout's row: the
challenge is not stored but made again from the row, and a row that was changed has another one.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from privata.infra.sealing import Sealer

#: How long a challenge can be answered (docs/payouts.md).
LIFE: Final = timedelta(minutes=10)

#: So many wrong answers void it (docs/payouts.md).
MOST_WRONG: Final = 5

ANSWER_BYTES: Final = 32
MAX_ANSWER_CHARS: Final = 256

_VERSION: Final = "privata-payout-v1"
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


class Challenged(Protocol):
    """A payout, as far as its challenge is made of it."""

    @property
    def id(self) -> UUID: ...

    @property
    def organization_id(self) -> UUID: ...

    @property
    def amount(self) -> Decimal: ...

    @property
    def currency(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def challenge_nonce(self) -> str: ...

    @property
    def challenge_expires_at(self) -> datetime: ...


def new_nonce() -> str:
    """128 random bits, for the row of a payout or of an address."""
    return secrets.token_hex(16)


def amount_text(amount: Decimal) -> str:
    """US dollars with two decimals: the one form of an amount in challenges and answers."""
    return f"{amount:.2f}"


def challenges_of(sealer: Sealer, payout: Challenged) -> list[str]:
    """The challenge of a payout's row; after the first, those of older secret keys.

    One is shown; an answer to any of them is right, so that the installation's key can be replaced
    while a challenge is open.
    """
    parts = (
        _VERSION,
        str(payout.id),
        amount_text(payout.amount),
        payout.currency,
        payout.address,
        str(int(payout.challenge_expires_at.timestamp())),
    )
    text = ":".join(parts)
    bound = f"payout_challenge:{payout.organization_id}:{payout.challenge_nonce}:{text}"
    return [f"{text}:{_token(digest)}" for digest in sealer.digests(bound)]


def read_answer(text: str) -> bytes | None:
    """The 32 bytes of an answer in hexadecimal or base64; None if it is neither."""
    text = text.strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == ANSWER_BYTES else None


def _token(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
