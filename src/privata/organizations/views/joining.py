"""Accepting an invitation, and choosing which organization to look at."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from privata.access.tenants import SESSION_ORGANIZATION
from privata.access.views import missing_is_404
from privata.accounts.models import User
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.plane import app_context, current_time, wait
from privata.organizations import invitations
from privata.organizations.tenant_context import actor_of, memberships_of


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """An invitation's page. It is opened by its link, and accepted by whom it was sent to."""
    found = wait(invitations.invitation_of(app_context(), token))
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path())
    problem = found.closed(current_time())
    if request.method == "POST" and problem is None:
        actor = actor_of(request, user, found.organization_id, Environment.TEST)
        try:
            wait(invitations.accept(app_context(), actor=actor, token=token, email=user.email))
        except ValidationFailed as error:
            problem = error.message
        else:
            request.session[SESSION_ORGANIZATION] = str(found.organization_id)
            messages.success(request, f"Welcome to {found.organization_name}")
            return redirect("index")
    context = {
        "invitation": found,
        "problem": problem,
        "mine": user.email.lower() == found.email.lower(),
    }
    return render(request, "organizations/invitation.html", context, status=410 if problem else 200)


@require_POST
def switch(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Look at another of one's organizations from now on; one that is not one's own is missing."""
    user = request.user
    if not isinstance(user, User):
        return redirect("account_login")
    if organization_id not in {one.organization_id for one in memberships_of(user)}:
        raise Http404
    request.session[SESSION_ORGANIZATION] = str(organization_id)
    return redirect("index")
