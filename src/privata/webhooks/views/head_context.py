"""What the head of each of an endpoint's pages shows."""

from __future__ import annotations

from typing import Any

from privata.core.standing import REASONS, OrganizationStatus, webhooks_go
from privata.core.tenancy import Environment
from privata.infra.plane import current_time, kernel
from privata.webhooks.deliveries import queues
from privata.webhooks.endpoints.banners import POLICY, RESUMING, EndpointFacts, banner_of
from privata.webhooks.models import Endpoint
from privata.webhooks.states import EndpointStatus
from privata.webhooks.waiting import EXHAUSTED_DAYS


def head_context(endpoint: Endpoint, tab: str) -> dict[str, Any]:
    """Head, banner, running recovery and tabs of an endpoint."""
    status = EndpointStatus(endpoint.status)
    waits = status in (EndpointStatus.PAUSED, EndpointStatus.RESUMING)
    waiting = queues.waiting(endpoint)
    return {
        "endpoint": endpoint,
        "tab": tab,
        "waiting": waiting,
        "exhausted": queues.exhausted(endpoint) if waits else 0,
        "exhausted_days": EXHAUSTED_DAYS,
        "banner": banner_of(facts_of(endpoint, waiting)),
        "recovering": queues.recovering(endpoint),
        "policy": POLICY,
        "resuming_text": RESUMING,
    }


def stopped(endpoint: Endpoint) -> str:
    """Why the organization's status lets nothing go out; empty when it does."""
    status = OrganizationStatus(endpoint.organization.status)
    if webhooks_go(status, Environment(endpoint.environment)):
        return ""
    return REASONS[status]


def facts_of(endpoint: Endpoint, waiting: int) -> EndpointFacts:
    """The row as the banner's rules know it."""
    active = endpoint.status == EndpointStatus.ACTIVE
    ours, our_fault = queues.waiting_for_us(endpoint) if active else (0, "")
    return EndpointFacts(
        status=EndpointStatus(endpoint.status),
        now=current_time(),
        waiting=waiting,
        reason=endpoint.paused_reason or "",
        paused_by=endpoint.paused_by,
        paused_at=endpoint.paused_at,
        failures=tuple(endpoint.failures),
        last_error=endpoint.last_error,
        probed_at=endpoint.probed_at,
        resumed_by=endpoint.resumed_by,
        probing=endpoint.probe_until is not None,
        flushing=endpoint.flush_tokens_at is not None,
        waiting_at_resume=endpoint.waiting_at_resume or 0,
        pace_per_s=endpoint.pace_per_s,
        ours=ours,
        our_fault=our_fault,
        stopped=stopped(endpoint),
        probe_minutes=getattr(kernel().settings, "probe_minutes", 0),
    )
