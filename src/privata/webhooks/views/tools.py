"""Sending again: a test event, a replay, many deliveries at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import NotFound, RateLimited, ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, current_time, wait
from privata.webhooks.deliveries import figures, log_reading, reading
from privata.webhooks.deliveries.log_query import parse_query
from privata.webhooks.recovery import bulk_retries as bulk
from privata.webhooks.recovery import replays, sending_tests
from privata.webhooks.states import DeliveryState
from privata.webhooks.views.common import (
    address,
    ask,
    is_fragment,
    missing_is_404,
    partition_of,
    show,
)
from privata.webhooks.views.delivery_context import story_of
from privata.webhooks.views.log_context import base_of, scope_of, uuids

#: A test event that has come to its end, or stays where it is.
_ENDED = (
    DeliveryState.DELIVERED,
    DeliveryState.RETRYING,
    DeliveryState.EXHAUSTED,
    DeliveryState.CANCELLED,
)


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def test(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Send a test event; its outcome shows in place, or on the endpoint's page without scripts."""
    try:
        sent = wait(
            sending_tests.send_test_event(
                app_context(), actor=tenant.actor, endpoint_id=endpoint_id
            )
        )
    except ValidationFailed as error:
        messages.error(request, error.message)
        return redirect(address(tenant, "endpoint", endpoint_id=endpoint_id))
    if is_fragment(request):
        context = test_context(tenant, endpoint_id, sent.delivery_id)
        return show(request, tenant, "_test_outcome.html", context)
    there = address(tenant, "endpoint", endpoint_id=endpoint_id)
    return redirect(f"{there}?test={sent.delivery_id}")


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def test_outcome(
    request: HttpRequest, tenant: Tenant, endpoint_id: UUID, delivery_id: UUID
) -> HttpResponse:
    """What became of a test event so far."""
    context = test_context(tenant, endpoint_id, delivery_id)
    return show(request, tenant, "_test_outcome.html", context)


def test_context(tenant: Tenant, endpoint_id: UUID, delivery_id: UUID) -> dict[str, Any]:
    """A test event's delivery and its story; `NotFound` if it is not the endpoint's."""
    delivery = ask(reading.delivery, partition_of(tenant, endpoint_id), delivery_id)
    story = story_of(tenant, delivery)
    return {"tested": delivery, "test_story": story, "test_ended": story.state in _ENDED}


def asked_test(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> dict[str, Any]:
    """The test event that an address names, if any."""
    for ident in uuids(request.GET.get("test", "")):
        try:
            return test_context(tenant, endpoint_id, ident)
        except NotFound:
            break
    return {"tested": None}


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def replay(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponseBase:
    """The same event as a new delivery. GET asks first, for browsers without scripts."""
    delivery = ask(reading.delivery, partition_of(tenant), delivery_id)
    if request.method != "POST":
        left = ask(replays.replays_left, partition_of(tenant), delivery.endpoint_id)
        return show(request, tenant, "replay.html", {"delivery": delivery, "replays_left": left})
    try:
        made = wait(
            replays.replay_delivery(app_context(), actor=tenant.actor, delivery_id=delivery_id)
        )
    except (RateLimited, ValidationFailed) as error:
        messages.error(request, error.message)
        return redirect(address(tenant, "delivery", delivery_id=delivery_id))
    held = "Replayed. It is held until you resume the endpoint."
    messages.success(request, held if made.held else "Replayed as a new delivery")
    return redirect(address(tenant, "delivery", delivery_id=made.delivery_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def retry_matching(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Retry everything that matches a filter, oldest first; GET says how much that is."""
    query = parse_query(request.GET).with_()
    endpoint = scope_of(request, tenant)
    partition = partition_of(tenant, endpoint.id if endpoint else None)
    found = log_reading.search_of(partition, query, current_time())
    ready = found.having(retryable=True)
    back = base_of(tenant, endpoint) + query.string()
    if request.method != "POST":
        context = {
            "query": query,
            "one_endpoint": endpoint,
            "matching": ask(figures.count, found),
            "ready": ask(figures.count, ready),
            "most": bulk.MOST,
            "back": back,
            "words": query.string(**({"endpoint": endpoint.id.hex} if endpoint else {})),
        }
        return show(request, tenant, "retry_matching.html", context)
    _retry(request, tenant, ask(reading.oldest_ids, ready, bulk.MOST))
    return redirect(back)


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def retry_chosen(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Retry the rows that were ticked."""
    query = parse_query(request.GET).with_()
    endpoint = scope_of(request, tenant)
    _retry(request, tenant, uuids(",".join(request.POST.getlist("id"))))
    return redirect(base_of(tenant, endpoint) + query.string())


def _retry(request: HttpRequest, tenant: Tenant, ids: list[UUID]) -> None:
    try:
        done = wait(bulk.retry_many(app_context(), actor=tenant.actor, delivery_ids=ids))
    except ValidationFailed as error:
        messages.error(request, error.message)
        return
    said = f"Retrying {done.again:,} {'delivery' if done.again == 1 else 'deliveries'}"
    if done.left:
        said += f". Skipped {done.left:,}: delivered, in progress, or the endpoint is not active."
    (messages.success if done.again else messages.info)(request, said)
