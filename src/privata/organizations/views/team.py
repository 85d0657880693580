"""The team: members, roles, invitations."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.forms import Entered, keep_once, take_once
from privata.access.tenants import Tenant
from privata.access.views import missing_is_404, requires
from privata.accounts.views.stepup import fresh
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission, Role
from privata.infra.plane import app_context, current_time, wait
from privata.organizations import invitations, members
from privata.organizations.onboarding_rules import valid_email
from privata.organizations.role_words import ROLES, matrix


@require_safe
@requires(Permission.VIEW_HOME)
def listing(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Members and open invitations."""
    organization_id = tenant.organization_id
    context = {
        "tab": "members",
        "members": wait(members.members_of(app_context(), organization_id)),
        "invitations": wait(invitations.open_invitations(app_context(), organization_id)),
        "now_at": current_time(),
    }
    return _show(request, tenant, "list.html", context)


@require_safe
@requires(Permission.VIEW_HOME)
def roles(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """What each role can do."""
    return _show(request, tenant, "roles.html", {"tab": "roles", "matrix": matrix()})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.INVITE_MEMBERS)
def invite(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Invite by email; a refused form comes back with everything that was entered."""
    if request.method != "POST":
        return _invite(request, tenant, Entered({"role": Role.DEVELOPER.value}))
    email, role = request.POST.get("email", "").strip(), request.POST.get("role", "")
    try:
        if not valid_email(email):
            raise _wrong("email", "Enter an email address.")
        made = wait(
            invitations.invite(
                app_context(),
                actor=tenant.actor,
                email=email,
                role=_role(role),
            )
        )
    except ValidationFailed as error:
        return _invite(request, tenant, Entered.refused({"email": email, "role": role}, error))
    return _invited(request, tenant, made)


@require_safe
@requires(Permission.INVITE_MEMBERS)
def invited(request: HttpRequest, tenant: Tenant, invitation_id: UUID) -> HttpResponseBase:
    """The link of a new invitation, this once."""
    link = take_once(request, f"invitation:{invitation_id}")
    if link is None:
        return redirect(_address(tenant, "list"))
    return _show(request, tenant, "invited.html", {"link": link})


@require_POST
@requires(Permission.INVITE_MEMBERS)
@missing_is_404
def resend(request: HttpRequest, tenant: Tenant, invitation_id: UUID) -> HttpResponseBase:
    """A new link; the old one is dead."""
    try:
        made = wait(
            invitations.resend(app_context(), actor=tenant.actor, invitation_id=invitation_id)
        )
    except ValidationFailed as error:
        messages.error(request, error.message)
        return redirect(_address(tenant, "list"))
    return _invited(request, tenant, made)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.INVITE_MEMBERS)
@missing_is_404
def cancel(request: HttpRequest, tenant: Tenant, invitation_id: UUID) -> HttpResponseBase:
    """Take an invitation back. GET asks first, for browsers without scripts."""
    found = [
        one
        for one in wait(invitations.open_invitations(app_context(), tenant.organization_id))
        if one["id"] == invitation_id
    ]
    if request.method != "POST" and found:
        context = {"what": "cancel", "name": found[0]["email"], "back": _address(tenant, "list")}
        return _show(request, tenant, "confirm.html", context)
    wait(invitations.cancel(app_context(), actor=tenant.actor, invitation_id=invitation_id))
    messages.success(request, "Invitation canceled")
    return redirect(_address(tenant, "list"))


@require_safe
@requires(Permission.VIEW_HOME)
@missing_is_404
def member(request: HttpRequest, tenant: Tenant, member_id: int) -> HttpResponse:
    """One member, and what may be changed of them."""
    return _member(request, tenant, member_id)


@require_POST
@requires(Permission.INVITE_MEMBERS)
@missing_is_404
def change_role(request: HttpRequest, tenant: Tenant, member_id: int) -> HttpResponseBase:
    """Give a member another role; a refusal says which rule forbids it."""
    wait(members.member_of(app_context(), tenant.organization_id, member_id))
    role = request.POST.get("role", "")
    try:
        wait(
            members.change_role(
                app_context(), actor=tenant.actor, member_id=member_id, role=_role(role)
            )
        )
    except ValidationFailed as error:
        return _member(request, tenant, member_id, Entered.refused({"role": role}, error))
    messages.success(request, f"Role changed to {ROLES[_role(role)][0]} now")
    return redirect(_address(tenant, "member", member_id=member_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REMOVE_MEMBERS)
@missing_is_404
def deactivate(request: HttpRequest, tenant: Tenant, member_id: int) -> HttpResponseBase:
    """Close the organization to a member. GET asks first, for browsers without scripts."""
    return _end(request, tenant, member_id, "deactivate", members.deactivate, "member")


@require_POST
@requires(Permission.REMOVE_MEMBERS)
@missing_is_404
def reactivate(request: HttpRequest, tenant: Tenant, member_id: int) -> HttpResponseBase:
    """Open the organization to a member again."""
    wait(members.reactivate(app_context(), actor=tenant.actor, member_id=member_id))
    messages.success(request, "Member reactivated")
    return redirect(_address(tenant, "member", member_id=member_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REMOVE_MEMBERS)
@fresh
@missing_is_404
def remove(request: HttpRequest, tenant: Tenant, member_id: int) -> HttpResponseBase:
    """End a membership. GET asks first, for browsers without scripts."""
    return _end(request, tenant, member_id, "remove", members.remove, "list")


def _end(
    request: HttpRequest,
    tenant: Tenant,
    member_id: int,
    what: str,
    verb: Callable[..., Coroutine[Any, Any, None]],
    there: str,
) -> HttpResponseBase:
    found = wait(members.member_of(app_context(), tenant.organization_id, member_id))
    if request.method != "POST":
        back = _address(tenant, "member", member_id=member_id)
        context = {"what": what, "name": found.name or found.email, "back": back}
        return _show(request, tenant, "confirm.html", context)
    try:
        wait(verb(app_context(), actor=tenant.actor, member_id=member_id))
    except ValidationFailed as error:
        return _member(request, tenant, member_id, Entered.refused({"role": found.role}, error))
    messages.success(request, f"{found.name or found.email}: {what}d")
    where = {"member_id": member_id} if there == "member" else {}
    return redirect(_address(tenant, there, **where))


def _member(
    request: HttpRequest, tenant: Tenant, member_id: int, form: Entered | None = None
) -> HttpResponse:
    found = wait(members.member_of(app_context(), tenant.organization_id, member_id))
    form = form or Entered({"role": found.role})
    context = {"member": found, "form": form, "is_self": found.user_id == tenant.user_id}
    return _show(request, tenant, "member.html", context, status=form.status)


def _invite(request: HttpRequest, tenant: Tenant, form: Entered) -> HttpResponse:
    offered = [role for role in Role if tenant.role is Role.OWNER or role is not Role.OWNER]
    context = {"form": form, "offered": [(role.value, *ROLES[role]) for role in offered]}
    return _show(request, tenant, "invite.html", context, status=form.status)


def _invited(request: HttpRequest, tenant: Tenant, made: invitations.Invited) -> HttpResponse:
    keep_once(request, f"invitation:{made.id}", made.url)
    return redirect(_address(tenant, "invited", invitation_id=made.id))


def _show(
    request: HttpRequest,
    tenant: Tenant,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    common = {
        "role_words": {role.value: words for role, words in ROLES.items()},
        "may_invite": tenant.may(Permission.INVITE_MEMBERS),
        "may_remove": tenant.may(Permission.REMOVE_MEMBERS),
        "where": lambda name, **parts: _address(tenant, name, **parts),
        "messages": get_messages(request),
    }
    return render(request, f"team/{template}", common | context, status=status)


def _address(tenant: Tenant, name: str, **parts: Any) -> str:
    return reverse(f"team:{name}", kwargs={"environment": tenant.environment.value} | parts)


def _role(text: str) -> Role:
    if text not in list(Role):
        raise _wrong("role", "Select a role.")
    return Role(text)


def _wrong(field: str, sentence: str) -> ValidationFailed:
    return ValidationFailed(sentence, fields=[(field, sentence)])
