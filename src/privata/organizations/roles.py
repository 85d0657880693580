"""Roles and the permission table (SPEC 2), as data in one place."""

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
    VIEW_ORDERS = "view_orders"
    CONFIGURE_ENDPOINTS = "configure_endpoints"
    VIEW_DELIVERIES = "view_deliveries"


_OWNER, _ADMIN, _DEVELOPER, _FINANCE, _READONLY = Role

TABLE: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_HOME: frozenset(Role),
    Permission.VIEW_ORDERS: frozenset(Role),
    Permission.CONFIGURE_ENDPOINTS: frozenset({_OWNER, _ADMIN, _DEVELOPER}),
    Permission.VIEW_DELIVERIES: frozenset({_OWNER, _ADMIN, _DEVELOPER, _READONLY}),
}


def allows(role: Role, permission: Permission) -> bool:
    """Whether the table gives `role` this permission."""
    return role in TABLE[permission]
