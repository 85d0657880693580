"""What an endpoint may be called and which events it may ask for. Pure; docs/webhooks.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from privata.core.errors import ValidationFailed
from privata.core.lifecycle import OrderStatus
from privata.webhooks.schedule import LONGEST_S, MAX_RETRIES
from privata.webhooks.signing.slack import is_slack
from privata.webhooks.states import Channel, Dialect

MAX_ALIAS: Final = 80
MAX_FILTER: Final = 50
MAX_PACE: Final = 1000

#: Every type the order channel carries, in the order of an order's life.
ORDER_TYPES: Final = tuple(f"order.{status}" for status in OrderStatus)

#: A group of types, those of today and those to come: matched when an event is published.
GROUP: Final = ".*"

_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.\*|(\.[a-z][a-z0-9_]*)*)")


def checked_alias(text: str) -> str:
    """The name of an endpoint: 1 to 80 printable characters. `ValidationFailed` otherwise."""
    alias = text.strip()
    if not alias or len(alias) > MAX_ALIAS or not alias.isprintable():
        raise _wrong(
            "alias",
            f"must be 1 to {MAX_ALIAS} characters",
            f"Enter a name of 1 to {MAX_ALIAS} characters.",
        )
    return alias


def checked_channel(text: str) -> Channel:
    """The channel; `ValidationFailed` names the ones there are."""
    if text not in list(Channel):
        raise _wrong("channel", f"must be one of {', '.join(Channel)}")
    return Channel(text)


def checked_dialect(text: str) -> Dialect:
    """The signing dialect; `ValidationFailed` names the ones there are."""
    if text not in list(Dialect):
        raise _wrong("dialect", f"must be one of {', '.join(Dialect)}")
    return Dialect(text)


def dialect_for(channel: Channel, url: str, chosen: Dialect) -> Dialect:
    """The dialect an endpoint speaks: `slack` by itself for ops events to Slack, and only there.

    One that leaves Slack speaks `privata` again. `ValidationFailed` for order events to Slack.
    """
    if is_slack(url):
        if channel is Channel.ORDER:
            raise _wrong(
                "url",
                "cannot be a Slack URL on the order channel",
                "Slack supports only events of the ops channel.",
            )
        return Dialect.SLACK
    return Dialect.PRIVATA if chosen is Dialect.SLACK else chosen


def checked_schedule(offsets_s: Sequence[int] | None) -> list[int] | None:
    """Retry offsets after the first attempt, in seconds, rising; None: the dialect's schedule.

    An empty list means that nothing is retried. `ValidationFailed` for anything else.
    """
    if offsets_s is None:
        return None
    if len(offsets_s) > MAX_RETRIES:
        raise _wrong(
            "schedule_s",
            f"must have at most {MAX_RETRIES} values",
            f"A schedule can have at most {MAX_RETRIES} retries.",
        )
    previous = 0
    for offset in offsets_s:
        if not previous < offset <= LONGEST_S:
            raise _wrong(
                "schedule_s",
                f"must be increasing seconds, up to {LONGEST_S}",
                f"Schedule times must be increasing seconds, up to {LONGEST_S}.",
            )
        previous = offset
    return list(offsets_s)


def checked_pace(per_second: int) -> int:
    """Deliveries a second while an endpoint is resumed: 1 to 1,000; else `ValidationFailed`."""
    if not 1 <= per_second <= MAX_PACE:
        raise _wrong(
            "pace_per_s",
            f"must be 1 to {MAX_PACE:,}",
            f"The pace must be 1 to {MAX_PACE:,} deliveries per second.",
        )
    return per_second


def checked_filter(channel: Channel, types: Sequence[str] | None) -> list[str] | None:
    """The event types to deliver, without repeats; None means all.

    `order.*` stands for a whole group. It is kept as it is: types that are added later belong to
    it too.

    An empty list is refused: an endpoint that gets nothing is one that is paused or disabled.
    """
    if types is None:
        return None
    chosen = sorted(set(types))
    if not chosen or len(chosen) > MAX_FILTER:
        raise _wrong(
            "event_filter",
            f"must have 1 to {MAX_FILTER} event types, or be null for all",
            f"Choose 1 to {MAX_FILTER} event types, or all.",
        )
    for name in chosen:
        known = _TYPE.fullmatch(name) is not None
        if channel is Channel.ORDER:
            known = name in ORDER_TYPES or name == f"order{GROUP}"
        if not known or len(name) > 64:
            unknown = f"{name[:64]!r} is not an event type on this channel"
            raise _wrong("event_filter", unknown, f"{unknown}.")
    return chosen


def _wrong(field: str, fragment: str, sentence: str = "") -> ValidationFailed:
    """The error of one field: what the API says of the field, and the sentence for people."""
    return ValidationFailed(sentence or f"{field} {fragment}.", fields=[(field, fragment)])
