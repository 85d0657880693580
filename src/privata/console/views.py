"""The operator's pages: organizations and their review."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from privata.access.views import missing_is_404
from privata.console.access import staff_page
from privata.core.errors import ValidationFailed
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor
from privata.infra.database_clock import skew_text
from privata.infra.generation import look
from privata.infra.plane import app_context, wait
from privata.infra.secret_keys.store import running_processes
from privata.organizations import review
from privata.organizations.company import (
    BUSINESS_TYPES,
    INTEGRATIONS,
    VOLUMES,
    BusinessType,
    Integration,
    Volume,
    country_name,
    high_risk,
)
from privata.webhooks.deliveries.waiting_for_us import waiting_for_us

#: Each state's word, tone and icon, in the order of the work.
STATES = {
    "pending_review": ("In review", "warn", "hourglass"),
    "needs_contact": ("Needs contact", "warn", "triangle-alert"),
    "onboarding": ("Onboarding", "plain", "loader"),
    "approved": ("Approved", "ok", "check"),
    "rejected": ("Rejected", "bad", "x"),
}

_DECISIONS = {
    "approve": (OrganizationStatus.APPROVED, "Organization approved"),
    "reject": (OrganizationStatus.REJECTED, "Organization rejected"),
    "reopen": (OrganizationStatus.ONBOARDING, "Onboarding reopened"),
}

MAX_TEXT = 120


@require_safe
@staff_page
def organizations(request: HttpRequest, operator: Actor) -> HttpResponse:
    """Every organization, by state; first what waits for us."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    asked = request.GET.get("status", "")
    status = OrganizationStatus(asked) if asked in STATES else None
    context = {
        "rows": wait(review.organizations(app_context(), status=status, text=text)),
        "counts": wait(review.counts(app_context())),
        "status": asked if status else "",
        "text": text,
        "most": review.MOST,
        "waiting_for_us": wait(waiting_for_us(app_context())),
        "unconfirmed": wait(_unconfirmed()),
        "processes": wait(running_processes(app_context().database.pool)),
        "most_skew_s": app_context().settings.clock_skew_seconds,
        "skew_text": skew_text,
    }
    return _show(request, "organizations.html", context)


@require_safe
@staff_page
@missing_is_404
def organization(request: HttpRequest, operator: Actor, organization_id: UUID) -> HttpResponse:
    """What one organization told, and the decisions that it waits for."""
    return _organization(request, organization_id)


@require_POST
@staff_page
@missing_is_404
def decide(request: HttpRequest, operator: Actor, organization_id: UUID) -> HttpResponseBase:
    """Approve, reject or reopen; one that somebody else has decided meanwhile says so."""
    to, said = _DECISIONS.get(request.POST.get("decision", ""), (None, ""))
    if to is None:
        return _organization(request, organization_id, "Choose a decision.")
    note = request.POST.get("note", "").replace("\0", "")
    if to is OrganizationStatus.REJECTED and not note.strip():
        return _organization(request, organization_id, "Enter a reason. The partner sees it.")
    try:
        wait(
            review.decide(
                app_context(), actor=operator, organization_id=organization_id, to=to, note=note
            )
        )
    except ValidationFailed as error:
        return _organization(request, organization_id, error.message)
    messages.success(request, said)
    return redirect("console:organization", organization_id=organization_id)


async def _unconfirmed() -> str | None:
    """What is to be said of a database that was restored or taken over, if anything."""
    async with app_context().database.pool.acquire() as connection:
        return (await look(connection)).warning


def _organization(request: HttpRequest, organization_id: UUID, problem: str = "") -> HttpResponse:
    row = dict(wait(review.organization_of(app_context(), organization_id)))
    listed = high_risk(app_context().settings.home)
    chosen = row["user_countries"] or []
    told = {
        "business": BUSINESS_TYPES[BusinessType(row["business_type"])][0]
        if row["business_type"]
        else None,
        "volume": VOLUMES[Volume(row["volume"])] if row["volume"] else None,
        "integration": INTEGRATIONS[Integration(row["integration"])][0]
        if row["integration"]
        else None,
        "country": country_name(row["country"]) if row["country"] else None,
        "user_countries": [country_name(code) for code in chosen],
        "high_risk": listed.among(chosen),
        "listed": listed,
    }
    context = {"row": row, "told": told, "problem": problem}
    return _show(request, "organization.html", context, status=422 if problem else 200)


def _show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    common = {"states": STATES, "messages": get_messages(request)}
    return render(request, f"console/{template}", common | context, status=status)
