"""Settings of an organization, and a member's own notifications."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from privata.access.forms import Entered
from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.organizations import notices, onboarding, review
from privata.organizations.company import BUSINESS_TYPES, countries, country_name
from privata.organizations.onboarding_rules import Company, Contact
from privata.organizations.preferences import ALWAYS, NOTICES, Notice, choices_of

_FIELDS = ("name", *Company.__dataclass_fields__, *Contact.__dataclass_fields__)


@require_safe
@requires(Permission.VIEW_HOME)
def organization(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Name, company and technical contact; those who may not change them read them."""
    return _organization(request, tenant, None)


@require_POST
@requires(Permission.EDIT_ORGANIZATION)
def change_organization(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Save them; refused ones come back with everything that was entered."""
    entered = {name: request.POST.get(name, "") for name in _FIELDS}
    company = Company(**{name: entered[name] for name in Company.__dataclass_fields__})
    contact = Contact(**{name: entered[name] for name in Contact.__dataclass_fields__})
    try:
        wait(
            onboarding.save_settings(
                app_context(),
                actor=tenant.actor,
                name=entered["name"],
                company=company,
                contact=contact,
            )
        )
    except ValidationFailed as error:
        return _organization(request, tenant, Entered.refused(entered, error))
    messages.success(request, "Changes saved")
    return redirect("settings:organization", environment=tenant.environment.value)


@require_safe
@requires(Permission.VIEW_HOME)
def notifications(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Which mails one gets about this organization."""
    unwanted = wait(notices.opted_out_of(app_context(), tenant.organization_id, tenant.user_id))
    offered = [
        (notice.value, *NOTICES[notice][1:], notice not in unwanted)
        for notice in choices_of(tenant.role)
    ]
    context = {"tab": "notifications", "offered": offered, "always": ALWAYS}
    return _show(request, "notifications.html", context)


@require_POST
@requires(Permission.VIEW_HOME)
def change_notifications(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Save which of them one does without; only those that this role may do without count."""
    wanted = request.POST.getlist("notice")
    offered = choices_of(tenant.role)
    kept = wait(notices.opted_out_of(app_context(), tenant.organization_id, tenant.user_id))
    unwanted: set[Notice] = {one for one in offered if one.value not in wanted}
    unwanted |= {one for one in kept if one not in offered}
    wait(notices.set_opt_outs(app_context(), actor=tenant.actor, unwanted=unwanted))
    messages.success(request, "Changes saved")
    return redirect("settings:notifications", environment=tenant.environment.value)


def _organization(request: HttpRequest, tenant: Tenant, form: Entered | None) -> HttpResponse:
    row = dict(wait(review.organization_of(app_context(), tenant.organization_id)))
    form = form or Entered(row)
    context = {
        "tab": "organization",
        "row": row,
        "form": form,
        "may_edit": tenant.may(Permission.EDIT_ORGANIZATION),
        "countries": [("", "Choose a country"), *countries().items()],
        "business_types": [(key.value, words[0]) for key, words in BUSINESS_TYPES.items()],
        "country": country_name(row["country"] or ""),
    }
    return _show(request, "organization.html", context, status=form.status)


def _show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    common = {"messages": get_messages(request)}
    return render(request, f"settings/{template}", common | context, status=status)
