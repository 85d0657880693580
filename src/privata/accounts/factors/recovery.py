"""Recovery codes: ten single-use codes for whoever has lost the second factor. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

COUNT: Final = 10

#: Letters and digits that are not mistaken for one another; 10 of them are 49 bits.
ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"
LENGTH: Final = 10

#: From so many left on, people are told to make new ones.
FEW: Final = 3


def new_codes() -> list[str]:
    """Ten codes, each as two groups of five."""
    return [
        _grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH))) for _ in range(COUNT)
    ]


def plain(typed: str) -> str:
    """What was typed without case, spaces and dashes."""
    return "".join(each for each in typed.lower() if each.isalnum())


def as_text(codes: Sequence[str], *, email: str, address: str) -> str:
    """The file that people keep."""
    lines = "\n".join(f"  {code}" for code in codes)
    return (
        f"Recovery codes for {email}\n{address}\n\n{lines}\n\n"
        "Each code replaces your second factor once. Store the codes where you store your\n"
        "passwords, not on the device with your authenticator app.\n"
    )


def _grouped(code: str) -> str:
    return f"{code[:5]}-{code[5:]}"
