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
from privata.infra.plane import app_context, current_time
from privata.infra.sealing import UnsealError
from privata.webhooks.deliveries import beside, log_reading, reading, request_shown
from privata.webhooks.deliveries.beside import AttemptRow
from privata.webhooks.deliveries.log_query import parse_query
from privata.webhooks.deliveries.reading import DeliveryRow, EndpointOf
from privata.webhooks.deliveries.story import Facts, Queue, Story, tell
from privata.webhooks.endpoints import reading as endpoint_reading
from privata.webhooks.endpoints.pausing import Reason
from privata.webhooks.endpoints.reading import EndpointRow, Partition, SecretRow
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.recovery.replays import PER_HOUR, replays_left
from privata.webhooks.schedule import schedule_for
from privata.webhooks.signing.signatures import Message, body_for, secret_context
from privata.webhooks.states import Dialect, EndpointStatus
from privata.webhooks.views.common import address, ask, partition_of
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

    attempt: AttemptRow
    label: str
    phrase: str
    delivered: bool


def delivery_context(
    request: HttpRequest,
    tenant: Tenant,
    delivery_id: UUID,
    *,
    endpoint: EndpointRow | None = None,
    alone: bool = False,
) -> dict[str, Any]:
    """Everything about a delivery; `alone` on its own page, without neighbours."""
    partition = partition_of(tenant, endpoint.id if endpoint else None)
    delivery = ask(reading.delivery, partition, delivery_id)
    attempts = ask(beside.attempts_of, partition, delivery_id)
    event_body = ask(beside.body_of, partition, delivery)
    body = body_for(delivery.endpoint.dialect, event_body)
    others = ask(reading.beside, partition, delivery)
    facts = _facts(tenant, delivery, attempts)
    pinned = _chosen(request, attempts)
    shown = pinned or (attempts[0] if attempts else None)
    context: dict[str, Any] = {
        "delivery": delivery,
        "event_type": delivery.event.type,
        "body": body,
        "pair": _pair(event_body),
        "story": tell(facts),
        "retry_of": others.retry_of,
        "retried_as": others.retried_as,
        "siblings": others.others,
        "retry_words": RETRY_WORDS,
        "replays_left": ask(replays_left, partition, delivery.endpoint_id),
        "findings": None,
        "pasted": "",
        "all_fits": False,
        "attempts": [_tried(one) for one in attempts],
        "most": max(facts.most, delivery.attempts),
        "attempt": shown,
        "pinned": pinned.id if pinned else "",
        "shown_before": request.GET.get("shown", ""),
        "request_of": _request(partition, delivery, shown, body) if shown else None,
        "prev": None,
        "next": None,
        "words": "",
    }
    if not alone:
        context |= _walk(request, tenant, partition, delivery, endpoint)
    return context


def story_of(tenant: Tenant, delivery: DeliveryRow) -> Story:
    """What to say about a delivery."""
    partition = partition_of(tenant)
    attempts = ask(beside.attempts_of, partition, delivery.id)
    return tell(_facts(tenant, delivery, attempts))


def most_attempts(endpoint: EndpointOf) -> int:
    """How many attempts the endpoint's schedule has."""
    return schedule_for(endpoint.dialect, endpoint.schedule_s).attempts


def _walk(
    request: HttpRequest,
    tenant: Tenant,
    partition: Partition,
    delivery: DeliveryRow,
    endpoint: EndpointRow | None,
) -> dict[str, Any]:
    """The neighbours in the view that the drawer was opened from."""
    query = parse_query(request.GET).with_()
    words = query.string(**({"endpoint": endpoint.id.hex} if endpoint else {}))
    newer, older = ask(log_reading.neighbours, partition, query, delivery.cursor, current_time())

    def sheet(ident: UUID | None) -> str | None:
        return address(tenant, "sheet", delivery_id=ident) + words if ident else None

    return {"prev": sheet(newer), "next": sheet(older), "words": words}


def _facts(tenant: Tenant, delivery: DeliveryRow, attempts: Sequence[AttemptRow]) -> Facts:
    partition = partition_of(tenant)
    latest = next((one for one in attempts if not one.stale), None)
    return Facts(
        state=delivery.state,
        endpoint=delivery.endpoint.status,
        attempts=delivery.attempts,
        due_at=delivery.due_at or delivery.created_at,  # of one that is finished nobody asks
        now=delivery.read_at,
        outcome=Outcome(delivery.last_outcome) if delivery.last_outcome else None,
        status_code=delivery.last_status_code,
        duration_ms=delivery.last_duration_ms or 0,
        detail=latest.detail if latest else "",
        behind=ask(beside.waited_for, partition, delivery.id),
        most=most_attempts(delivery.endpoint),
        taken_over=ask(reading.taken_over, partition, delivery),
        retried=delivery.retried_as is not None,
        deleted=delivery.endpoint.deleted_at is not None,
        queue=_queue(tenant, delivery),
    )


def _queue(tenant: Tenant, delivery: DeliveryRow) -> Queue:
    partition = partition_of(tenant, delivery.endpoint_id)
    endpoint = ask(endpoint_reading.endpoint, partition, deleted=True)
    resuming = endpoint.status is EndpointStatus.RESUMING
    flushing = resuming and endpoint.flush_tokens_at is not None
    return Queue(
        probed=flushing,
        probing=endpoint.probe_until is not None,
        ahead=ask(beside.ahead_of, partition, delivery) if flushing else None,
        pace_per_s=endpoint.pace_per_s,
        strict=endpoint.strict_ordering,
        because=_BECAUSE.get(endpoint.paused_reason or "", ""),
        stopped=stopped(tenant),
    )


def _tried(attempt: AttemptRow) -> Tried:
    outcome = Outcome(attempt.outcome)
    phrase = _PHRASES.get(attempt.status_code or 0, "")
    return Tried(attempt, RULES[outcome].label, phrase, outcome is Outcome.DELIVERED)


def _chosen(request: HttpRequest, attempts: Sequence[AttemptRow]) -> AttemptRow | None:
    """The attempt that the reader picked, if any."""
    wanted = request.GET.get("attempt") or request.GET.get("pinned", "")
    return next((one for one in attempts if str(one.id) == wanted), None)


def _request(
    partition: Partition, delivery: DeliveryRow, attempt: AttemptRow, body: bytes
) -> dict[str, Any]:
    """Headers, computation of the signature, and the shell command of one attempt."""
    dialect = Dialect(delivery.endpoint.dialect)
    mine = Partition(partition.organization_id, partition.environment, delivery.endpoint_id)
    message = Message(
        event_id=delivery.event.event_id,
        delivery_id=str(delivery.id),
        attempt=attempt.number,
        timestamp=attempt.signed_at,
        body=body,
    )
    rows = ask(endpoint_reading.secrets_by_id, partition, attempt.secret_ids)
    secrets = _open_secrets(rows)
    hints = [row.hint for row in rows]
    headers = request_shown.shown_headers(dialect, secrets, message, urlsplit(attempt.url).netloc)
    return {
        "headers": "\n".join(f"{name}: {value}" for name, value in headers),
        "steps": request_shown.signature_steps(dialect, secrets, hints, message),
        "secrets": rows,
        "valid": ask(endpoint_reading.valid_secrets, mine),
        "curl": request_shown.curl(dialect, attempt.url, message),
    }


def _open_secrets(rows: Sequence[SecretRow]) -> list[str]:
    """The secrets in plain, to compute what is then masked; none if one does not open."""
    sealer = app_context().sealer
    try:
        return [sealer.unseal(row.sealed, secret_context(row.id)).decode() for row in rows]
    except UnsealError:
        return []


def _pair(body: bytes) -> str:
    """`BTC to XMR` out of the event, if it is about an order."""
    try:
        order = json.loads(body).get("order", {})
        return f"{order['from']} to {order['to']}"
    except (ValueError, KeyError, AttributeError, TypeError):
        return ""
