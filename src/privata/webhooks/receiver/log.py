"""What the local receiver remembers: deliveries, repeats by event id, order by `seq`. In memory."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

KEPT_DELIVERIES: Final = 1000
KEPT_IDS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came. `received_at` is in unix seconds, `answer` what was given back."""

    number: int
    received_at: float
    path: str
    event: str
    event_id: str
    delivery_id: str
    attempt: str
    order_id: str
    seq: int | None
    verified: bool
    duplicate: bool
    changed: bool
    out_of_order: bool
    answer: str
    headers: tuple[tuple[str, str], ...]
    body: str
    body_sha256: str

    def as_json(self) -> dict[str, Any]:
        """The delivery as a JSON object."""
        return asdict(self)


class ReceiverLog:
    """The last deliveries and counts over all of them.

    A duplicate is a verified event id seen before; `changed` means that its bytes differ, which
    must never happen. Out of order is a new event whose `seq` is below one already seen of the
    same order. Requests that do not verify are kept but change none of this: anybody may send
    them.
    """

    def __init__(self, keep: int = KEPT_DELIVERIES) -> None:
        self._deliveries: deque[Received] = deque(maxlen=keep)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._deliveries.clear()
        self._bodies: OrderedDict[str, str] = OrderedDict()
        self._highest: OrderedDict[str, int] = OrderedDict()
        self._counts: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()

    def record(
        self,
        *,
        received_at: float,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        verified: bool,
        answer: str,
    ) -> Received:
        """Remember one request and say what is notable about it."""
        named = dict(headers)
        event_id = named.get("x-privata-event-id", "")
        payload = _object(body)
        order = payload.get("order")
        order = order if isinstance(order, dict) else {}
        seq = payload.get("seq", order.get("seq"))
        digest = hashlib.sha256(body).hexdigest()
        seen = self._bodies.get(event_id) if verified and event_id else None
        received = Received(
            number=self._counts["received"] + 1,
            received_at=received_at,
            path=path,
            event=str(payload.get("event", "")),
            event_id=event_id,
            delivery_id=named.get("x-privata-delivery-id", ""),
            attempt=named.get("x-privata-attempt", ""),
            order_id=str(order.get("order_id") or payload.get("order_id") or ""),
            seq=seq if isinstance(seq, int) and not isinstance(seq, bool) else None,
            verified=verified,
            duplicate=seen is not None,
            changed=seen is not None and seen != digest,
            out_of_order=False,
            answer=answer,
            headers=tuple(headers),
            body=body.decode("utf-8", "replace"),
            body_sha256=digest,
        )
        if verified:
            received = self._place(received)
        self._count(received)
        self._deliveries.append(received)
        return received

    def find(self, *, event: str = "", order_id: str = "", limit: int = 100) -> list[Received]:
        """The newest deliveries first, of one event type or one order where asked."""
        found: Iterator[Received] = (
            one
            for one in reversed(self._deliveries)
            if (not event or one.event == event) and (not order_id or one.order_id == order_id)
        )
        return [one for one, _ in zip(found, range(limit), strict=False)]

    def get(self, number: int) -> Received | None:
        """One delivery by its number, while it is remembered."""
        return next((one for one in self._deliveries if one.number == number), None)

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last `clear`."""
        names = ("received", "verified", "unverified", "duplicates", "changed", "out_of_order")
        return {
            **{name: self._counts[name] for name in names},
            "unique_events": len(self._bodies),
            "kept": len(self._deliveries),
            "events": dict(sorted(self._events.items())),
            "answers": dict(sorted(self._answers.items())),
        }

    def _place(self, received: Received) -> Received:
        """Remember id and order of a verified delivery; marks one that came too late."""
        if received.event_id and not received.duplicate:
            _remember(self._bodies, received.event_id, received.body_sha256)
        if received.duplicate or received.seq is None or not received.order_id:
            return received
        highest = self._highest.get(received.order_id)
        if highest is None or received.seq > highest:
            _remember(self._highest, received.order_id, received.seq)
            return received
        return Received(**{**received.as_json(), "headers": received.headers, "out_of_order": True})

    def _count(self, received: Received) -> None:
        self._counts["received"] += 1
        self._counts["verified" if received.verified else "unverified"] += 1
        self._counts["duplicates"] += received.duplicate
        self._counts["changed"] += received.changed
        self._counts["out_of_order"] += received.out_of_order
        self._events[received.event] += 1
        self._answers[received.answer] += 1


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(memory: OrderedDict[str, Any], key: str, value: object) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > KEPT_IDS:
        memory.popitem(last=False)
