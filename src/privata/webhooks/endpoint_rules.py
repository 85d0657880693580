"""What an endpoint may be called and which events it may ask for. Pure; SPEC 12."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from privata.core.errors import ValidationFailed
from privata.core.lifecycle import OrderStatus
from privata.webhooks.states import Channel, Dialect

MAX_ALIAS: Final = 80
MAX_FILTER: Final = 50

#: Every type the order channel carries, in the order of an order's life.
ORDER_TYPES: Final = tuple(f"order.{status}" for status in OrderStatus)

_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


def checked_alias(text: str) -> str:
    """The name of an endpoint: 1 to 80 printable characters. `ValidationFailed` otherwise."""
    alias = text.strip()
    if not alias or len(alias) > MAX_ALIAS or not alias.isprintable():
        raise _wrong("alias", f"Give the endpoint a name of 1 to {MAX_ALIAS} characters.")
    return alias


def checked_channel(text: str) -> Channel:
    """The channel; `ValidationFailed` names the ones there are."""
    if text not in list(Channel):
        raise _wrong("channel", f"The channel is one of {', '.join(Channel)}.")
    return Channel(text)


def checked_dialect(text: str) -> Dialect:
    """The signing dialect; `ValidationFailed` names the ones there are."""
    if text not in list(Dialect):
        raise _wrong("dialect", f"The dialect is one of {', '.join(Dialect)}.")
    return Dialect(text)


def checked_filter(channel: Channel, types: Sequence[str] | None) -> list[str] | None:
    """The event types to deliver, without repeats; None means all.

    An empty list is refused: an endpoint that gets nothing is one that is paused or disabled.
    """
    if types is None:
        return None
    chosen = sorted(set(types))
    if not chosen or len(chosen) > MAX_FILTER:
        raise _wrong("event_filter", f"Choose 1 to {MAX_FILTER} event types, or all of them.")
    for name in chosen:
        known = name in ORDER_TYPES if channel is Channel.ORDER else _TYPE.fullmatch(name)
        if not known or len(name) > 64:
            raise _wrong("event_filter", f"{name[:64]!r} is not an event type of this channel.")
    return chosen


def _wrong(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(message, fields=[(field, message)])
