"""The form of a personal access token, and what it may be made with: pure."""

from __future__ import annotations

import re
from enum import StrEnum

from privata.core.ids import TOKEN_DIGITS, base62_token

PREFIX = "pat_"

#: Below this path a token works, and nowhere else.
API_PREFIX = "/dashboard/v1"

#: What is kept of a token for display.
PREFIX_LENGTH = 12

MAX_NAME = 80

#: Tokens that work, of one person in one organization.
MOST_TOKENS = 20

#: Days a token may live; people choose one of these.
LIFETIMES = (7, 30, 90, 180, 365)

_TOKEN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{TOKEN_DIGITS}}}")


class TokenScope(StrEnum):
    """`dashboard:write` contains `dashboard:read`."""

    READ = "dashboard:read"
    WRITE = "dashboard:write"


def mint() -> str:
    """`pat_` and 32 random bytes in base 62."""
    return PREFIX + base62_token()


def well_formed(token: str) -> bool:
    """Whether the text could be a token at all; saves the database the rest."""
    return _TOKEN.fullmatch(token) is not None


def scopes_of(write: bool) -> list[str]:
    """The scopes of a token that may, or may not, change things."""
    return [scope.value for scope in TokenScope] if write else [TokenScope.READ.value]
