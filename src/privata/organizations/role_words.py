"""What roles and permissions are called on pages, and the readable matrix of both."""

from __future__ import annotations

from dataclasses import dataclass

from privata.core.roles import Permission, Role, allows

_P = Permission

#: Each role's name and what it is for.
ROLES: dict[Role, tuple[str, str]] = {
    Role.OWNER: ("Owner", "Full access, including billing and removing members."),
    Role.ADMIN: ("Admin", "Manages the integration and the team. No payouts or billing."),
    Role.DEVELOPER: (
        "Developer",
        "Manages keys, webhooks, orders, and refunds. No access to money.",
    ),
    Role.FINANCE: ("Finance", "Manages revenue and payouts. No access to keys or secrets."),
    Role.READONLY: ("Read only", "Views orders, deliveries, and key names. Cannot make changes."),
}

#: The matrix in groups, by what people ask: who may see money, make keys, pay out.
GROUPS: tuple[tuple[str, tuple[tuple[Permission, str], ...]], ...] = (
    (
        "Orders",
        (
            (_P.VIEW_ORDERS, "See and search orders"),
            (_P.EXPORT_ORDERS, "Export orders"),
            (_P.TRIGGER_REFUNDS, "Refund an order"),
        ),
    ),
    (
        "Keys and webhooks",
        (
            (_P.VIEW_KEYS, "See the names of API keys"),
            (_P.MANAGE_KEYS, "Create, rotate, and revoke API keys"),
            (_P.VIEW_DELIVERIES, "See webhook deliveries"),
            (_P.CONFIGURE_ENDPOINTS, "Change webhooks, retry, and replay"),
            (_P.VIEW_STREAMS, "See open streams"),
        ),
    ),
    (
        "Money",
        (
            (_P.VIEW_REVENUE, "See revenue"),
            (_P.MANAGE_PAYOUTS, "Manage payout addresses, request payouts"),
            (_P.MANAGE_PROVIDERS, "Choose providers, set the markup"),
        ),
    ),
    (
        "Organization",
        (
            (_P.VIEW_HOME, "See the home page"),
            (_P.VIEW_SLA, "See SLA and incidents"),
            (_P.EDIT_ORGANIZATION, "Edit the organization"),
            (_P.INVITE_MEMBERS, "Invite members, change roles"),
            (_P.REMOVE_MEMBERS, "Deactivate and remove members"),
            (_P.VIEW_AUDIT, "Read the audit log"),
            (_P.EXPORT_AUDIT, "Export the audit log"),
            (_P.OWN_ORGANIZATION, "Billing, data export, deletion"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the matrix: what, and whether each role may, in the order of `Role`."""

    label: str
    allowed: tuple[bool, ...]


def matrix() -> list[tuple[str, list[Line]]]:
    """The permission table in words."""
    return [
        (
            group,
            [
                Line(label, tuple(allows(role, permission) for role in Role))
                for permission, label in lines
            ],
        )
        for group, lines in GROUPS
    ]
