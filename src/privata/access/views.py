"""The access checks of the dashboard: who is here, for which organization, and may they.

A page is written as `@requires(Permission.X) def view(request, tenant, ...)`. The access check
finds the signed-in user's organization, checks the role against the table, and hands in the tenant;
every query of the page is made with its organization and environment. Signed out goes to sign-in.

Whose members people are is known to a room above, which `dashboard.urls` puts into `FIND_TENANT`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from privata.access.tenants import SESSION_ENVIRONMENT, Tenant
from privata.core.errors import NotFound
from privata.core.hooks import Hook
from privata.core.roles import Permission
from privata.core.standing import Capability, works
from privata.core.tenancy import Environment

P = ParamSpec("P")

View = Callable[Concatenate[HttpRequest, Tenant, P], HttpResponseBase]

#: The tenant of a request, or the answer for those who have none.
FIND_TENANT: Final[Hook[Callable[[HttpRequest, Environment], Tenant | HttpResponse]]] = Hook(
    "the tenant of a request"
)


def requires(
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
            tenant = FIND_TENANT.value(request, Environment(environment))
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


def missing_is_404(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Answer 404 for what is missing or another organization's: the two look alike."""

    @functools.wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error

    return answered
