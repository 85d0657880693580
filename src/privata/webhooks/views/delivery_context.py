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
from django.utils import timezone

from privata.infra.plane import kernel
from privata.infra.sealing import UnsealError
from privata.organizations.doors import Tenant
from privata.webhooks import proofs, reading
from privata.webhooks.log_query import parse_query
from privata.webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.sending import secret_context
from privata.webhooks.signing import Message
from privata.webhooks.states import DeliveryStatus, Dialect, EndpointStatus
from privata.webhooks.story import MOST_ATTEMPTS, Facts, tell
from privata.webhooks.views.common import address, place_of

#: What status codes are called (RFC 9110, 15).
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


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
    body = bytes(delivery.event.body)
    pinned = _chosen(request, attempts)
    shown = pinned or (attempts[0] if attempts else None)
    context: dict[str, Any] = {
        "delivery": delivery,
        "event_type": delivery.event.type,
        "body": body,
        "pair": _pair(body),
        "story": tell(_facts(delivery, attempts)),
        "attempts": [_tried(one) for one in attempts],
        "most": max(MOST_ATTEMPTS, delivery.attempts),
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
    newer, older = reading.neighbours(place, query, delivery, timezone.now())

    def sheet(ident: UUID | None) -> str | None:
        return address(tenant, "sheet", delivery_id=ident) + words if ident else None

    return {"prev": sheet(newer), "next": sheet(older), "words": words}


def _facts(delivery: Delivery, attempts: Sequence[Attempt]) -> Facts:
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
    )


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
