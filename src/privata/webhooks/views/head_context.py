"""What the head of each of an endpoint's pages shows."""

from __future__ import annotations

from typing import Any

from privata.access.tenants import Tenant
from privata.core.standing import REASONS, webhooks_go
from privata.infra.plane import app_context, current_time
from privata.webhooks.endpoints import reading
from privata.webhooks.endpoints.banners import POLICY, RESUMING, EndpointFacts, banner_of
from privata.webhooks.endpoints.reading import EndpointRow
from privata.webhooks.recovery.recoveries import Progress, recoveries_of
from privata.webhooks.state_sql import EXHAUSTED_DAYS
from privata.webhooks.states import EndpointStatus, RecoveryStatus
from privata.webhooks.views.common import ask, partition_of


def head_context(tenant: Tenant, endpoint: EndpointRow, tab: str) -> dict[str, Any]:
    """Head, banner, running recovery and tabs of an endpoint."""
    waits = endpoint.status in (EndpointStatus.PAUSED, EndpointStatus.RESUMING)
    partition = partition_of(tenant, endpoint.id)
    waiting = waiting_for(tenant, endpoint)
    return {
        "endpoint": endpoint,
        "tab": tab,
        "waiting": waiting,
        "exhausted": ask(reading.exhausted, partition) if waits else 0,
        "exhausted_days": EXHAUSTED_DAYS,
        "banner": banner_of(facts_of(tenant, endpoint, waiting)),
        "recovering": _recovering(tenant, endpoint),
        "policy": POLICY,
        "resuming_text": RESUMING,
    }


def waiting_for(tenant: Tenant, endpoint: EndpointRow) -> int:
    """How many deliveries wait for it; while it resumes, of those that waited when that began."""
    return ask(reading.waiting_of, partition_of(tenant), [endpoint.id])[endpoint.id]


def _recovering(tenant: Tenant, endpoint: EndpointRow) -> Progress | None:
    """The recovery that runs; a newer one cannot have begun."""
    latest = ask(recoveries_of, actor=tenant.actor, endpoint_id=endpoint.id, limit=1)
    return next((one for one in latest if one.status == RecoveryStatus.RUNNING), None)


def stopped(tenant: Tenant) -> str:
    """Why the organization's status lets nothing go out; empty when it does."""
    if webhooks_go(tenant.status, tenant.environment):
        return ""
    return REASONS[tenant.status]


def facts_of(tenant: Tenant, endpoint: EndpointRow, waiting: int) -> EndpointFacts:
    """The row as the banner's rules know it."""
    ours, our_fault = 0, ""
    if endpoint.status is EndpointStatus.ACTIVE:
        ours, our_fault = ask(reading.waiting_for_us, partition_of(tenant, endpoint.id))
    return EndpointFacts(
        status=endpoint.status,
        now=current_time(),
        waiting=waiting,
        reason=endpoint.paused_reason or "",
        paused_by=endpoint.paused_by,
        paused_at=endpoint.paused_at,
        failures=endpoint.failures,
        last_error=endpoint.last_error,
        probed_at=endpoint.probed_at,
        resumed_by=endpoint.resumed_by,
        probing=endpoint.probe_until is not None,
        flushing=endpoint.flush_tokens_at is not None,
        waiting_at_resume=endpoint.waiting_at_resume or 0,
        pace_per_s=endpoint.pace_per_s,
        ours=ours,
        our_fault=our_fault,
        stopped=stopped(tenant),
        probe_minutes=getattr(app_context().settings, "probe_minutes", 0),
    )
