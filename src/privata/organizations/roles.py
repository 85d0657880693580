"""Roles and the permission table (docs/roles.md), as data in one place."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    FINANCE = "finance"
    READONLY = "readonly"


class Permission(StrEnum):
    """What a page or an action asks for; add a row to `TABLE` with each."""

    VIEW_HOME = "view_home"
    EDIT_ORGANIZATION = "edit_organization"
    VIEW_KEYS = "view_keys"
    MANAGE_KEYS = "manage_keys"
    CONFIGURE_ENDPOINTS = "configure_endpoints"
    VIEW_DELIVERIES = "view_deliveries"
    VIEW_STREAMS = "view_streams"
    VIEW_ORDERS = "view_orders"
    EXPORT_ORDERS = "export_orders"
    TRIGGER_REFUNDS = "trigger_refunds"
    MANAGE_PROVIDERS = "manage_providers"
    VIEW_REVENUE = "view_revenue"
    MANAGE_PAYOUTS = "manage_payouts"
    VIEW_SLA = "view_sla"
    INVITE_MEMBERS = "invite_members"
    REMOVE_MEMBERS = "remove_members"
    VIEW_AUDIT = "view_audit"
    EXPORT_AUDIT = "export_audit"
    OWN_ORGANIZATION = "own_organization"


_OWNER, _ADMIN, _DEVELOPER, _FINANCE, _READONLY = Role
_RUNNERS = frozenset({_OWNER, _ADMIN})
_BUILDERS = frozenset({_OWNER, _ADMIN, _DEVELOPER})
_WATCHERS = frozenset({_OWNER, _ADMIN, _DEVELOPER, _READONLY})

TABLE: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_HOME: frozenset(Role),
    Permission.EDIT_ORGANIZATION: _RUNNERS,
    Permission.VIEW_KEYS: _WATCHERS,
    Permission.MANAGE_KEYS: _BUILDERS,
    Permission.CONFIGURE_ENDPOINTS: _BUILDERS,
    Permission.VIEW_DELIVERIES: _WATCHERS,
    Permission.VIEW_STREAMS: _WATCHERS,
    Permission.VIEW_ORDERS: frozenset(Role),
    Permission.EXPORT_ORDERS: frozenset({_OWNER, _ADMIN, _DEVELOPER, _FINANCE}),
    Permission.TRIGGER_REFUNDS: _BUILDERS,
    Permission.MANAGE_PROVIDERS: _RUNNERS,
    Permission.VIEW_REVENUE: frozenset({_OWNER, _ADMIN, _FINANCE}),
    Permission.MANAGE_PAYOUTS: frozenset({_OWNER, _FINANCE}),
    Permission.VIEW_SLA: frozenset(Role),
    Permission.INVITE_MEMBERS: _RUNNERS,
    Permission.REMOVE_MEMBERS: frozenset({_OWNER}),
    Permission.VIEW_AUDIT: frozenset({_OWNER, _ADMIN, _FINANCE}),
    Permission.EXPORT_AUDIT: _RUNNERS,
    Permission.OWN_ORGANIZATION: frozenset({_OWNER}),
}


def allows(role: Role, permission: Permission) -> bool:
    """Whether the table gives `role` this permission."""
    return role in TABLE[permission]
