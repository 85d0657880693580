"""Ids in paths."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from privata.core.errors import NotFound

#: As we write them, in any case; `UUID` would also take braces, and do without hyphens.
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def id_in_path(text: str, missing: str = "Resource not found.") -> UUID:
    """The id; what is none names nothing, so it is `NotFound` like an unknown one."""
    if not _UUID.fullmatch(text):
        raise NotFound(missing)
    return UUID(text)
