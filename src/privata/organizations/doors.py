"""The doors of the dashboard: who is here, for which organization, and may they.

A page is written as `@page(Permission.X) def view(request, tenant, ...)`. The door resolves the
signed-in user's organization, checks the role against the table, and hands in the tenant; every
query of the page is made with its organization and environment. Signed out goes to sign-in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from privata.accounts.models import User
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.organizations.models import Membership
from privata.organizations.roles import Permission, Role, allows
from privata.organizations.standing import Capability, works
from privata.organizations.states import OrganizationStatus

#: Which of a user's organizations is shown, in the session.
SESSION_ORGANIZATION = "organization"

#: Which environment was looked at last, in the session.
SESSION_ENVIRONMENT = "environment"

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Tenant:
    """The organization and environment a page is about, and who looks at it."""

    organization_id: UUID
    organization_name: str
    environment: Environment
    role: Role
    actor: Actor
    status: OrganizationStatus = OrganizationStatus.APPROVED

    @property
    def user_id(self) -> int:
        """The number of the person who looks."""
        return int(self.actor.id)

    def may(self, permission: Permission) -> bool:
        """Whether this person's role includes `permission`."""
        return allows(self.role, permission)


View = Callable[Concatenate[HttpRequest, Tenant, P], HttpResponseBase]


def page(
    permission: Permission,
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A view that only members with `permission` get; takes `environment` out of the URL.

    An organization that is not through onboarding sees only that (docs/organizations.md).
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def guarded(
            request: HttpRequest, *args: Any, environment: str, **kwargs: Any
        ) -> HttpResponseBase:
            tenant = tenant_of(request, Environment(environment))
            if isinstance(tenant, HttpResponse):
                return tenant
            if not works(Capability.DASHBOARD, tenant.status):
                return redirect("onboarding:start")
            if not tenant.may(permission):
                raise PermissionDenied
            if request.session.get(SESSION_ENVIRONMENT) != environment:
                request.session[SESSION_ENVIRONMENT] = environment
            request.tenant = tenant  # type: ignore[attr-defined]  # for the context processor
            return view(request, tenant, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # the route matrix reads it
        return guarded

    return decorate


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
        organization_name=membership.organization.name,
        environment=environment,
        role=Role(membership.role),
        actor=actor_of(request, user, membership.organization_id, environment),
        status=OrganizationStatus(membership.organization.status),
    )


def membership_of(user: User, organization_id: str | None) -> Membership | None:
    """The membership in the chosen organization, else in the user's first."""
    mine = list(memberships_of(user))
    chosen = [one for one in mine if str(one.organization_id) == organization_id]
    return next(iter(chosen or mine), None)


def memberships_of(user: User) -> QuerySet[Membership]:
    """The organizations that are open to this person, the oldest membership first."""
    return (
        Membership.objects.filter(user=user, deactivated_at=None)
        .select_related("organization")
        .order_by("id")
    )


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
