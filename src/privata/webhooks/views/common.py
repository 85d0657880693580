"""What every webhook page needs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec
from uuid import UUID

from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from privata.core.errors import NotFound
from privata.organizations.doors import Tenant
from privata.organizations.roles import Permission
from privata.webhooks.reading import Place

P = ParamSpec("P")


def place_of(tenant: Tenant, endpoint_id: UUID | None = None) -> Place:
    """Whose deliveries a page is about."""
    return Place(tenant.organization_id, tenant.environment, endpoint_id)


def missing_is_404(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Answer 404 for what is missing or another organization's: the two look alike."""

    @functools.wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error

    return answered


def address(tenant: Tenant, name: str, **where: Any) -> str:
    """The path of a webhook page in the tenant's environment."""
    return reverse(f"webhooks:{name}", kwargs={"environment": tenant.environment.value} | where)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def show(
    request: HttpRequest,
    tenant: Tenant,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """A webhook page with what all of them use."""
    common = {
        "where": functools.partial(address, tenant),
        "may_change": tenant.may(Permission.CONFIGURE_ENDPOINTS),
        "messages": get_messages(request),
    }
    return render(request, f"webhooks/{template}", common | context, status=status)
