"""Onboarding's pages: four steps that can be left and resumed, a stop, and the first key."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from privata.access.forms import Entered, keep_once, take_once
from privata.access.tenants import SESSION_ORGANIZATION, Tenant
from privata.accounts.models import User
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission
from privata.core.standing import UNFINISHED, OrganizationStatus
from privata.core.tenancy import Environment
from privata.infra.plane import app_context, wait
from privata.organizations import onboarding
from privata.organizations.company import (
    BUSINESS_TYPES,
    INTEGRATIONS,
    VOLUMES,
    countries,
    high_risk,
)
from privata.organizations.onboarding_rules import (
    DONE_AT,
    Company,
    Contact,
    Expectation,
    Jurisdictions,
    Step,
    may_open,
    next_step,
)
from privata.organizations.tenant_context import actor_of, memberships_of, tenant_of

#: The name under which the first key waits for its page.
FIRST_KEY = "first_key"

#: The organization of an actor who has none yet.
_NONE = UUID(int=0)

View: TypeAlias = Callable[[HttpRequest, Tenant | None], HttpResponseBase]

TITLES = {
    Step.COMPANY: ("Company", "Who you are"),
    Step.VOLUME: ("Volume", "How many orders you expect"),
    Step.JURISDICTIONS: ("Jurisdictions", "Where your users are"),
    Step.CONTACT: ("Technical contact", "Who we contact if something breaks"),
}


def onboarding_page(view: View) -> Callable[..., HttpResponseBase]:
    """A page of onboarding: for members who may edit the organization, while it is open.

    Who belongs to no organization begins one; who is through is sent to the home page.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        tenant = _tenant(request, request.user)
        if tenant is not None:
            if not tenant.may(Permission.EDIT_ORGANIZATION):
                if tenant.status not in UNFINISHED:
                    raise PermissionDenied
                return render(request, "onboarding/waiting.html", {"tenant": tenant}, status=403)
            if tenant.status not in UNFINISHED and FIRST_KEY not in _kept(request):
                return redirect("index")
            if tenant.status is OrganizationStatus.NEEDS_CONTACT:
                return _stopped(request, tenant)
        return view(request, tenant, *args, **kwargs)

    guarded.permission = Permission.EDIT_ORGANIZATION  # type: ignore[attr-defined]  # as @page
    return guarded


@require_safe
@onboarding_page
def start(request: HttpRequest, tenant: Tenant | None) -> HttpResponseBase:
    """To the first step that is not done."""
    step = next_step(_profile(tenant)) if tenant else Step.COMPANY
    return redirect(f"onboarding:{step or Step.CONTACT}")


@require_http_methods(["GET", "HEAD", "POST"])
@onboarding_page
def company(request: HttpRequest, tenant: Tenant | None) -> HttpResponseBase:
    """Step 1; for somebody without an organization it makes one."""
    if request.method != "POST":
        return _show(request, tenant, Step.COMPANY, Entered(_profile(tenant) or {}))
    entered = {name: request.POST.get(name, "") for name in Company.__dataclass_fields__}
    try:
        if tenant is None:
            assert isinstance(request.user, User)
            actor = actor_of(request, request.user, _NONE, Environment.TEST)
            made = wait(
                onboarding.create_for_user(app_context(), actor=actor, company=Company(**entered))
            )
            request.session[SESSION_ORGANIZATION] = str(made)
        else:
            wait(
                onboarding.save_company(
                    app_context(), actor=tenant.actor, company=Company(**entered)
                )
            )
    except ValidationFailed as error:
        return _show(request, tenant, Step.COMPANY, Entered.refused(entered, error))
    return redirect("onboarding:volume")


@require_http_methods(["GET", "HEAD", "POST"])
@onboarding_page
def volume(request: HttpRequest, tenant: Tenant | None) -> HttpResponseBase:
    """Step 2."""
    if tenant is None or not may_open(Step.VOLUME, _profile(tenant)):
        return redirect("onboarding:start")
    if request.method != "POST":
        return _show(request, tenant, Step.VOLUME, Entered(_profile(tenant) or {}))
    entered = {name: request.POST.get(name, "") for name in Expectation.__dataclass_fields__}
    try:
        wait(
            onboarding.save_expectation(
                app_context(), actor=tenant.actor, expectation=Expectation(**entered)
            )
        )
    except ValidationFailed as error:
        return _show(request, tenant, Step.VOLUME, Entered.refused(entered, error))
    return redirect("onboarding:jurisdictions")


@require_http_methods(["GET", "HEAD", "POST"])
@onboarding_page
def jurisdictions(request: HttpRequest, tenant: Tenant | None) -> HttpResponseBase:
    """Step 3; a high-risk country stops the flow here."""
    if tenant is None or not may_open(Step.JURISDICTIONS, _profile(tenant)):
        return redirect("onboarding:start")
    if request.method != "POST":
        profile = _profile(tenant) or {}
        ticked = {"aml_acknowledged": bool(profile.get("aml_acknowledged_by"))}
        return _show(request, tenant, Step.JURISDICTIONS, Entered(profile | ticked))
    chosen = tuple(request.POST.getlist("user_countries"))
    acknowledged = bool(request.POST.get("aml_acknowledged"))
    try:
        wait(
            onboarding.save_jurisdictions(
                app_context(), actor=tenant.actor, jurisdictions=Jurisdictions(chosen, acknowledged)
            )
        )
    except ValidationFailed as error:
        entered = {"user_countries": chosen, "aml_acknowledged": acknowledged}
        return _show(request, tenant, Step.JURISDICTIONS, Entered.refused(entered, error))
    return redirect("onboarding:contact")


@require_http_methods(["GET", "HEAD", "POST"])
@onboarding_page
def contact(request: HttpRequest, tenant: Tenant | None) -> HttpResponseBase:
    """Step 4, the last: the organization goes to review and its test key is issued."""
    if tenant is None or not may_open(Step.CONTACT, _profile(tenant)):
        return redirect("onboarding:start")
    if request.method != "POST":
        profile = _profile(tenant) or {}
        if not profile.get("contact_name"):
            assert isinstance(request.user, User)
            mine = {"contact_name": request.user.name, "contact_email": request.user.email}
            profile = profile | mine
        return _show(request, tenant, Step.CONTACT, Entered(profile))
    entered = {name: request.POST.get(name, "") for name in Contact.__dataclass_fields__}
    try:
        key = wait(onboarding.finish(app_context(), actor=tenant.actor, contact=Contact(**entered)))
    except ValidationFailed as error:
        return _show(request, tenant, Step.CONTACT, Entered.refused(entered, error))
    keep_once(request, FIRST_KEY, key)
    return redirect("onboarding:done")


@require_safe
@onboarding_page
def done(request: HttpRequest, tenant: Tenant | None) -> HttpResponseBase:
    """The first key, this once."""
    key = take_once(request, FIRST_KEY)
    if tenant is None or key is None:
        return redirect("index")
    context = {
        "tenant": tenant,
        "key": key,
        "api_url": f"{app_context().settings.base_url}/partner/v1",
        "steps": _steps(None, finished=True),
    }
    return render(request, "onboarding/done.html", context)


def _tenant(request: HttpRequest, user: User) -> Tenant | None:
    """The organization in question; None for somebody who is about to begin one."""
    if not memberships_of(user) or request.GET.get("new") == "1":
        return None
    tenant = tenant_of(request, Environment.TEST)
    assert isinstance(tenant, Tenant)
    return tenant


def _kept(request: HttpRequest) -> list[str]:
    return [name.removeprefix("once:") for name in request.session.keys()]  # noqa: SIM118


def _profile(tenant: Tenant | None) -> dict[str, Any] | None:
    if tenant is None:
        return None
    row = wait(onboarding.profile_of(app_context(), tenant.organization_id))
    return None if row is None else dict(row)


def _stopped(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    listed = high_risk(app_context().settings.home)
    profile = _profile(tenant) or {}
    context = {
        "tenant": tenant,
        "countries": listed.among(profile.get("user_countries", [])),
        "listed": listed,
        "steps": _steps(Step.JURISDICTIONS, profile, stopped=True),
    }
    return render(request, "onboarding/stopped.html", context)


def _show(request: HttpRequest, tenant: Tenant | None, step: Step, form: Entered) -> HttpResponse:
    context = {
        "tenant": tenant,
        "form": form,
        "steps": _steps(step, _profile(tenant)),
        "number": list(Step).index(step) + 1,
        "title": TITLES[step],
        "countries": list(countries().items()),
        "business_types": [(key.value, *words) for key, words in BUSINESS_TYPES.items()],
        "volumes": [(key.value, words) for key, words in VOLUMES.items()],
        "integrations": [(key.value, *words) for key, words in INTEGRATIONS.items()],
    }
    return render(request, f"onboarding/{step.value}.html", context, status=form.status)


def _steps(
    now: Step | None,
    profile: dict[str, Any] | None = None,
    *,
    stopped: bool = False,
    finished: bool = False,
) -> list[tuple[str, str, str, str | None]]:
    """Title, text, state and address of each step."""
    shown = []
    for step in Step:
        is_done = finished or bool(profile and profile[DONE_AT[step]])
        state = "done" if is_done else ""
        if step is now:
            state = "blocked" if stopped else "now"
        link = step.value if is_done and not (stopped or finished) else None
        shown.append((*TITLES[step], state, link))
    return shown
