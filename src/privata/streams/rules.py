"""What a stream sends first, and how addresses are shown: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from privata.core.lifecycle import TERMINAL
from privata.infra.http.proxies import parse_address
from privata.streams.states import ResumeSource

#: How old the last event a client saw may be for a replay of all after it (docs/streaming.md).
BUFFER_MS: Final = 60_000

#: Longer than any event id; what is longer names nothing.
MAX_EVENT_ID: Final = 120

#: Event types after which nothing follows in a stream.
LAST_TYPES: Final = frozenset(f"order.{status.value}" for status in TERMINAL)


class Logged(Protocol):
    """An event of an order, as far as resuming looks at it."""

    @property
    def last(self) -> bool: ...
    @property
    def seq(self) -> int: ...
    @property
    def event_id(self) -> str: ...
    @property
    def age_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Resume:
    """The events with a number above `after` are sent; `gap_ms` is None where it is not known."""

    source: ResumeSource
    after: int
    gap_ms: int | None = None


def resume(log: Sequence[Logged], last_event_id: str | None) -> Resume:
    """Where a stream of an order begins (docs/streaming.md). `log` are its events, oldest first.

    Without an id the state of the order comes first too: whoever connects late knows where the
    order stands. An unknown id has no known gap, so none is told.
    """
    latest = log[-1].seq if log else 0
    state_only = max(0, latest - 1)
    if not last_event_id:
        return Resume(ResumeSource.FRESH, state_only)
    seen = next((event for event in log if event.event_id == last_event_id), None)
    if seen is None:
        return Resume(ResumeSource.SNAPSHOT, state_only)
    if seen.age_ms <= BUFFER_MS:
        return Resume(ResumeSource.BUFFER, seen.seq, max(0, seen.age_ms))
    return Resume(ResumeSource.SNAPSHOT, state_only, seen.age_ms)


def over(log: Sequence[Logged], last_event_id: str | None) -> bool:
    """Whether nothing can follow: the client has the last event of an order that has ended.

    However old that event is, since there is no gap behind it.
    """
    return bool(log) and log[-1].last and log[-1].event_id == last_event_id


def masked(address: str | None) -> str:
    """`198.51.xxx.xxx`, or the first two groups of an IPv6 address; empty for none."""
    parsed = None if address is None else parse_address(address)
    if parsed is None:
        return ""
    if parsed.version == 4:
        first, second, _, _ = str(parsed).split(".")
        return f"{first}.{second}.xxx.xxx"
    groups = parsed.exploded.split(":")
    return ":".join([*(group.lstrip("0") or "0" for group in groups[:2]), *["xxxx"] * 6])
