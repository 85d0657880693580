"""What every webhook page needs."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from privata.access.tenants import Tenant
from privata.access.views import missing_is_404
from privata.core.roles import Permission
from privata.infra.context import AppContext
from privata.infra.plane import app_context, is_fragment, wait
from privata.webhooks.endpoints.reading import Partition

__all__ = ["Partition", "address", "ask", "is_fragment", "missing_is_404", "partition_of", "show"]


P = ParamSpec("P")
T = TypeVar("T")


def ask(
    read: Callable[Concatenate[AppContext, P], Awaitable[T]], *args: P.args, **more: P.kwargs
) -> T:
    """What a function of the read side answers."""
    return wait(read(app_context(), *args, **more))


def partition_of(tenant: Tenant, endpoint_id: UUID | None = None) -> Partition:
    """Whose deliveries a page is about."""
    return Partition(tenant.organization_id, tenant.environment, endpoint_id)


def address(tenant: Tenant, name: str, **where: Any) -> str:
    """The path of a webhook page in the tenant's environment."""
    return reverse(f"webhooks:{name}", kwargs={"environment": tenant.environment.value} | where)


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
