"""What the frame of every page shows: organization, navigation, person, theme."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from privata.access.tenants import SESSION_ENVIRONMENT, SESSION_ORGANIZATION, Tenant
from privata.accounts.models import User
from privata.core.standing import REASONS, Capability, works
from privata.core.tenancy import Environment
from privata.dashboard.navigation import NAVIGATION, active_key, counts
from privata.organizations.tenant_context import membership_of, memberships_of, tenant_of
from privata.ui.shell import NavGroup, NavItem, Organization, Shell

THEMES = ("light", "dark")
THEME_COOKIE = "theme"


def shell(request: HttpRequest) -> dict[str, Any]:
    """`shell` for signed-in pages of an organization; only `theme` elsewhere."""
    theme = request.COOKIES.get(THEME_COOKIE)
    theme = theme if theme in THEMES else None
    tenant: Tenant | None = getattr(request, "tenant", None) or _of_account_page(request)
    if tenant is None:
        return {"shell": None, "theme": theme}
    return {"shell": _shell(request, tenant, theme), "tenant": tenant, "theme": theme}


def _of_account_page(request: HttpRequest) -> Tenant | None:
    """People of an organization see their account within its frame."""
    match = request.resolver_match
    if match is None or not getattr(match.func, "signed_in", False):
        return None
    user = request.user
    if not isinstance(user, User):
        return None
    # Asked first: for somebody without an organization `tenant_of` renders a page of its own.
    if membership_of(user, request.session.get(SESSION_ORGANIZATION)) is None:
        return None
    environment = request.session.get(SESSION_ENVIRONMENT, Environment.TEST.value)
    tenant = tenant_of(request, Environment(environment))
    return tenant if isinstance(tenant, Tenant) else None


def _shell(request: HttpRequest, tenant: Tenant, theme: str | None) -> Shell:
    assert isinstance(request.user, User)
    where = {"environment": tenant.environment.value}
    name = request.user.name or request.user.email
    return Shell(
        organization_name=tenant.organization_name,
        environment=tenant.environment.value,
        user_name=name,
        user_email=request.user.email,
        initials=_initials(name),
        nav=_navigation(tenant),
        active_key=active_key(request.resolver_match),
        live_url=reverse("live", kwargs=where),
        search_url=reverse("search", kwargs=where),
        theme=theme,
        switch_environment_url=reverse("switch_environment"),
        logout_url=reverse("account_logout"),
        login_url=reverse("account_login"),
        account_url=reverse("account_security"),
        stopped="" if works(Capability.TEST_KEYS, tenant.status) else REASONS[tenant.status],
        organizations=[
            Organization(
                name=one.organization_name,
                url=reverse("switch_organization", kwargs={"organization_id": one.organization_id}),
                current=one.organization_id == tenant.organization_id,
            )
            for one in memberships_of(request.user)
        ],
    )


def _navigation(tenant: Tenant) -> list[NavGroup]:
    waiting = counts(tenant)
    shown: list[NavGroup] = []
    for group, entries in NAVIGATION:
        items = [
            NavItem(
                key=entry.key,
                label=entry.label,
                url=entry.url(tenant.environment.value),
                icon=entry.icon,
                count=waiting.get(entry.key),
            )
            for entry in entries
            if tenant.may(entry.permission)
        ]
        if items:
            shown.append(NavGroup(group=group, items=items))
    return shown


def _initials(name: str) -> str:
    words = [word for word in name.replace("@", " ").split() if word]
    return "".join(word[0] for word in words[:2]).upper() or "?"
