"""Who is signed in, as a member of which organization."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from privata.access.tenants import SESSION_ORGANIZATION, Tenant
from privata.accounts.models import User
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.plane import app_context, wait
from privata.organizations import reading
from privata.organizations.reading import MembershipRow


def tenant_of(request: HttpRequest, environment: Environment) -> Tenant | HttpResponse:
    """The tenant of a request, or the answer for those who have none."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path())
    membership = membership_of(user, request.session.get(SESSION_ORGANIZATION))
    if membership is None:
        return render(request, "organizations/none.html", status=403)
    return Tenant(
        organization_id=membership.organization_id,
        organization_name=membership.organization_name,
        environment=environment,
        role=membership.role,
        actor=actor_of(request, user, membership.organization_id, environment),
        status=membership.status,
    )


def membership_of(user: User, organization_id: str | None) -> MembershipRow | None:
    """The membership in the chosen organization, else in the user's first."""
    mine = memberships_of(user)
    chosen = [one for one in mine if str(one.organization_id) == organization_id]
    return next(iter(chosen or mine), None)


def memberships_of(user: User) -> list[MembershipRow]:
    """The organizations that are open to this person, the oldest membership first."""
    return wait(reading.memberships_of(app_context(), user.pk))


def actor_of(
    request: HttpRequest, user: User, organization_id: UUID, environment: Environment
) -> Actor:
    """The signed-in person as the one who acts for an organization."""
    return Actor(
        kind=ActorKind.USER,
        id=str(user.pk),
        label=user.email,
        organization_id=organization_id,
        environment=environment,
        ip=request.META.get("REMOTE_ADDR"),
        user_agent=request.headers.get("User-Agent", ""),
        session=request.session.session_key or "",
    )
