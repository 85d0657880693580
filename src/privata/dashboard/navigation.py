"""The sidebar as data: an item for each page that exists, shown to those who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import ResolverMatch, reverse

from privata.access.tenants import Tenant
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A page of the sidebar. `key` is the namespace of its routes; pages that are the same for
    all have no environment in their address."""

    key: str
    label: str
    route: str
    icon: str
    permission: Permission
    in_environment: bool = True

    def url(self, environment: str) -> str:
        """Its page, in `environment` where it has one."""
        return reverse(
            self.route, kwargs={"environment": environment} if self.in_environment else None
        )


NAVIGATION: tuple[tuple[str | None, tuple[NavigationItem, ...]], ...] = (
    (
        None,
        (
            NavigationItem("home", "Home", "home", "house", Permission.VIEW_HOME),
            NavigationItem(
                "orders", "Orders", "orders:list", "arrow-left-right", Permission.VIEW_ORDERS
            ),
        ),
    ),
    (
        "Developers",
        (
            NavigationItem("keys", "API keys", "keys:list", "key-round", Permission.VIEW_KEYS),
            NavigationItem(
                "webhooks", "Webhooks", "webhooks:endpoints", "webhook", Permission.VIEW_DELIVERIES
            ),
            NavigationItem("streams", "Streams", "streams:index", "radio", Permission.VIEW_STREAMS),
            NavigationItem(
                "docs",
                "Docs",
                "docs:index",
                "book-open",
                Permission.VIEW_HOME,
                in_environment=False,
            ),
        ),
    ),
    (
        "Network",
        (
            NavigationItem(
                "providers", "Providers", "providers:index", "boxes", Permission.VIEW_HOME
            ),
        ),
    ),
    (
        "Workspace",
        (
            NavigationItem("team", "Team", "team:list", "users", Permission.VIEW_HOME),
            NavigationItem(
                "audit", "Audit log", "audit:list", "scroll-text", Permission.VIEW_AUDIT
            ),
            NavigationItem(
                "settings", "Settings", "settings:organization", "settings", Permission.VIEW_HOME
            ),
        ),
    ),
)


#: Pages that belong to the entry of another room, by namespace or by name.
_BELONGS: Final = {"refunds": "orders", "going_live": "settings"}


def active_key(match: ResolverMatch | None) -> str | None:
    """The entry that the shown page belongs to."""
    if match is None:
        return None
    key = match.namespace or match.url_name
    return _BELONGS.get(key or "", key)


def counts(tenant: Tenant) -> dict[str, int]:
    """What waits for a person, by entry: paused endpoints."""
    if not tenant.may(Permission.VIEW_DELIVERIES):
        return {}
    partition = Partition(tenant.organization_id, tenant.environment)
    paused = wait(endpoints.paused_count(app_context(), partition))
    return {"webhooks": paused} if paused else {}
