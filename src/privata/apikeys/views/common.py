"""What every page of keys needs."""

from __future__ import annotations

import functools
from typing import Any
from uuid import UUID

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from privata.access.tenants import Tenant
from privata.apikeys.listing import KeyView, key_of
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait


def address(tenant: Tenant, name: str, **where: Any) -> str:
    """The path of a page of keys in the tenant's environment."""
    return reverse(f"keys:{name}", kwargs={"environment": tenant.environment.value} | where)


def one_key(tenant: Tenant, key_id: UUID) -> KeyView:
    """A key of the tenant; `NotFound`."""
    return wait(
        key_of(
            app_context(),
            organization_id=tenant.organization_id,
            environments=[tenant.environment],
            key_id=key_id,
        )
    )


def show(
    request: HttpRequest,
    tenant: Tenant,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """A page of keys with what all of them use; kept by nobody on the way."""
    common = {
        "where": functools.partial(address, tenant),
        "may_change": tenant.may(Permission.MANAGE_KEYS),
        "messages": get_messages(request),
    }
    answer = render(request, f"apikeys/{template}", common | context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
