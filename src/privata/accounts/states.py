"""Small sets of words of this room."""

from __future__ import annotations

from enum import StrEnum


class CodePurpose(StrEnum):
    """What a mailed code proves."""

    SIGN_UP = "sign_up"
    NEW_DEVICE = "new_device"


class FactorKind(StrEnum):
    """What a row of second factors holds."""

    TOTP = "totp"
    PASSKEY = "webauthn"
    RECOVERY = "recovery_codes"
