"""What is shown of one delivery, in the drawer and on its page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest

from privata.access.tenants import Tenant
from privata.infra.plane import current_time, kernel
from privata.infra.sealing import UnsealError
from privata.webhooks.deliveries import queues, reading
from privata.webhooks.deliveries import request_shown as proofs
from privata.webhooks.deliveries.log_query import parse_query
from privata.webhooks.deliveries.shown import in_line, shown_of
from privata.webhooks.deliveries.story import Facts, Queue, Story, tell
from privata.webhooks.endpoints.pausing import Reason
from privata.webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.recovery.replays import PER_HOUR
from privata.webhooks.schedule import schedule_for
from privata.webhooks.signing.signatures import Message, body_for, secret_context
from privata.webhooks.states import DeliveryStatus, Dialect, EndpointStatus
from privata.webhooks.views.common import address, place_of
from privata.webhooks.views.head_context import stopped

#: What status codes are called (RFC 9110, 15).
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


#: Why an endpoint is paused, after "because".
_BECAUSE: Final = {
    Reason.MANUAL.value: "a member of your organization paused it",
    Reason.FAILURES.value: "too many attempts failed within 6 hours",
    Reason.GONE.value: "your server returned 410 Gone",
}


#: What the question before a retry of a delivered event says.
RETRY_WORDS: Final = (
    "Your server already accepted this event. We send it again as a new delivery, with the same "
    "bytes and event ID and a new signature. If your code does not check event IDs, it may process "
    f"the event twice. This counts toward the limit of {PER_HOUR} replays per endpoint per hour."
)


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt in the time line."""

    attempt: Attempt
    label: str
    phrase: str
    delivered: bool


def delivery_context(
    request: HttpRequest,
    tenant: Tenant,
    delivery_id: UUID,
    *,
    endpoint: Endpoint | None = None,
    alone: bool = False,
) -> dict[str, Any]:
    """Everything about a delivery; `alone` on its own page, without neighbours."""
    place = place_of(tenant, endpoint.id if endpoint else None)
    delivery = reading.delivery_or_404(place, delivery_id)
    attempts = reading.attempts_of(delivery)
    event_body = bytes(delivery.event.body)
    body = body_for(delivery.endpoint.dialect, event_body)
    retry_of, retried_as = reading.retries(delivery)
    facts = _facts(delivery, attempts, retried=retried_as is not None)
    pinned = _chosen(request, attempts)
    shown = pinned or (attempts[0] if attempts else None)
    context: dict[str, Any] = {
        "delivery": delivery,
        "event_type": delivery.event.type,
        "body": body,
        "pair": _pair(event_body),
        "story": tell(facts),
        "retry_of": _linked(retry_of),
        "retried_as": _linked(retried_as),
        "siblings": [(one, _shown(one)) for one in reading.siblings(delivery)],
        "retry_words": RETRY_WORDS,
        "replays_left": queues.replays_left(delivery.endpoint_id, current_time()),
        "findings": None,
        "pasted": "",
        "all_fits": False,
        "attempts": [_tried(one) for one in attempts],
        "most": max(facts.most, delivery.attempts),
        "attempt": shown,
        "pinned": pinned.id if pinned else "",
        "shown_before": request.GET.get("shown", ""),
        "request_of": _request(delivery, shown, body) if shown else None,
        "prev": None,
        "next": None,
        "words": "",
    }
    if not alone:
        context |= _walk(request, tenant, place, delivery, endpoint)
    return context


def story_of(delivery: Delivery) -> Story:
    """What to say about a delivery that was read by `reading.delivery_or_404`."""
    return tell(_facts(delivery, reading.attempts_of(delivery)))


def most_attempts(endpoint: Endpoint) -> int:
    """How many attempts the endpoint's schedule has."""
    return schedule_for(endpoint.dialect, endpoint.schedule_s).attempts


def _walk(
    request: HttpRequest,
    tenant: Tenant,
    place: reading.Place,
    delivery: Delivery,
    endpoint: Endpoint | None,
) -> dict[str, Any]:
    """The neighbours in the view that the drawer was opened from."""
    query = parse_query(request.GET).with_()
    words = query.string(**({"endpoint": endpoint.id.hex} if endpoint else {}))
    newer, older = reading.neighbours(place, query, delivery, current_time())

    def sheet(ident: UUID | None) -> str | None:
        return address(tenant, "sheet", delivery_id=ident) + words if ident else None

    return {"prev": sheet(newer), "next": sheet(older), "words": words}


def _linked(delivery: Delivery | None) -> tuple[Delivery, str] | None:
    return None if delivery is None else (delivery, _shown(delivery))


def _facts(delivery: Delivery, attempts: Sequence[Attempt], *, retried: bool = False) -> Facts:
    latest = next((one for one in attempts if not one.stale), None)
    return Facts(
        status=DeliveryStatus(delivery.status),
        endpoint=EndpointStatus(delivery.endpoint.status),
        attempts=delivery.attempts,
        in_flight=delivery.in_flight,
        due_at=delivery.due_at,
        now=delivery.read_at,  # type: ignore[attr-defined]  # annotated by the query
        outcome=Outcome(delivery.last_outcome) if delivery.last_outcome else None,
        status_code=delivery.last_status_code,
        duration_ms=delivery.last_duration_ms or 0,
        detail=latest.detail if latest else "",
        behind=reading.waited_for(delivery),
        most=most_attempts(delivery.endpoint),
        taken_over=queues.taken_over(delivery),
        in_line=in_line(delivery),
        retried=retried,
        deleted=delivery.endpoint.deleted_at is not None,
        queue=_queue(delivery),
    )


def _queue(delivery: Delivery) -> Queue:
    endpoint = delivery.endpoint
    resuming = endpoint.status == EndpointStatus.RESUMING
    flushing = resuming and endpoint.flush_tokens_at is not None
    return Queue(
        probed=flushing,
        probing=endpoint.probe_until is not None,
        ahead=queues.ahead_of(delivery) if flushing else None,
        pace_per_s=endpoint.pace_per_s,
        strict=endpoint.strict_lanes,
        because=_BECAUSE.get(endpoint.paused_reason or "", ""),
        stopped=stopped(endpoint),
    )


def _shown(delivery: Delivery) -> str:
    return shown_of(
        delivery,
        delivery.read_at,  # type: ignore[attr-defined]  # annotated by the query
        stopped=bool(stopped(delivery.endpoint)),
    ).value


def _tried(attempt: Attempt) -> Tried:
    outcome = Outcome(attempt.outcome)
    phrase = _PHRASES.get(attempt.status_code or 0, "")
    return Tried(attempt, RULES[outcome].label, phrase, outcome is Outcome.DELIVERED)


def _chosen(request: HttpRequest, attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt that the reader picked, if any."""
    wanted = request.GET.get("attempt") or request.GET.get("pinned", "")
    return next((one for one in attempts if str(one.id) == wanted), None)


def _request(delivery: Delivery, attempt: Attempt, body: bytes) -> dict[str, Any]:
    """Headers, computation of the signature, and the shell command of one attempt."""
    dialect = Dialect(delivery.endpoint.dialect)
    message = Message(
        event_id=delivery.event.event_id,
        delivery_id=str(delivery.id),
        attempt=attempt.number,
        timestamp=attempt.signed_at,
        body=body,
    )
    rows = reading.secrets_of(attempt)
    secrets = _open_secrets(rows)
    hints = [row.hint for row in rows]
    headers = proofs.shown_headers(dialect, secrets, message, urlsplit(attempt.url).netloc)
    return {
        "headers": "\n".join(f"{name}: {value}" for name, value in headers),
        "steps": proofs.signature_steps(dialect, secrets, hints, message),
        "secrets": rows,
        "valid": queues.valid_secrets(delivery.endpoint),
        "curl": proofs.curl(dialect, attempt.url, message),
    }


def _open_secrets(rows: Sequence[EndpointSecret]) -> list[str]:
    """The secrets in plain, to compute what is then masked; none if one does not open."""
    sealer = kernel().sealer
    try:
        return [sealer.unseal(bytes(row.sealed), secret_context(row.id)).decode() for row in rows]
    except UnsealError:
        return []


def _pair(body: bytes) -> str:
    """`BTC to XMR` out of the event, if it is about an order."""
    try:
        order = json.loads(body).get("order", {})
        return f"{order['from']} to {order['to']}"
    except (ValueError, KeyError, AttributeError, TypeError):
        return ""
