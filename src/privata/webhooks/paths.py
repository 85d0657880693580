"""Ids in paths."""

from __future__ import annotations

from uuid import UUID

from privata.core.errors import NotFound


def id_in_path(text: str) -> UUID:
    """The id; what is none names nothing, so it is `NotFound` like an unknown one."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing with this id.") from None
