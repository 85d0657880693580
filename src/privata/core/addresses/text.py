"""Checks on the text itself, before any decoding: cheap, and with sentences of their own."""

from __future__ import annotations

from typing import Final

from privata.core.addresses.errors import AddressError, Field

MAX_LENGTH: Final = 512
"""Characters. The longest address in use, a Zcash unified address, has about 215."""

_NAMES: Final[dict[Field, str]] = {"address": "address", "extra_id": "extra id"}


def check_text(value: str, field: Field, *, ascii_only: bool = True) -> None:
    """Refuse what can be no address and no memo: empty, too long, padded, or not printable ASCII.

    Nothing is trimmed: a space around a value is a sign that something else went wrong too.
    Inside an extra id spaces are allowed, because memos are free text on some networks; those take
    all of Unicode that can be seen (`ascii_only` is false).
    """
    name = _NAMES[field]
    if not value:
        raise AddressError(f"The {name} is empty", field=field)
    if len(value) > MAX_LENGTH:
        raise AddressError(f"The {name} must be at most {MAX_LENGTH} characters", field=field)
    if value[0].isspace() or value[-1].isspace():
        raise AddressError(f"The {name} starts or ends with whitespace: remove it", field=field)
    if ascii_only and not value.isascii():
        raise AddressError(
            f"The {name} contains a character other than ASCII letters, digits, and symbols",
            field=field,
        )
    if not value.isprintable():
        raise AddressError(f"The {name} contains a control character", field=field)
    if field == "address" and " " in value:
        raise AddressError("The address contains a space", field=field)
