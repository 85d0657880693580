"""The states of an organization and what works in each (docs/organizations.md), in one table.

Every access check reads this table: the admission of keys and tokens, the worker's claims, payouts,
streams, pages. Nothing is lost where something does not work: what waits goes on when the status
allows it again. The same table stands in docs/organizations.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from privata.core.errors import OrganizationInactive
from privata.core.tenancy import Environment


class OrganizationStatus(StrEnum):
    ONBOARDING = "onboarding"
    NEEDS_CONTACT = "needs_contact"
    PENDING_REVIEW = "pending_review"
    APPROVED = "approved"
    REJECTED = "rejected"


#: Not through onboarding: nothing but that is shown.
UNFINISHED: Final = frozenset({OrganizationStatus.ONBOARDING, OrganizationStatus.NEEDS_CONTACT})


class Capability(StrEnum):
    """What may work or not; add a row to `TABLE` with each."""

    SIGN_IN = "sign_in"
    DASHBOARD = "dashboard"
    TOKENS = "tokens"
    TEST_KEYS = "test_keys"
    LIVE_KEYS = "live_keys"
    TEST_WEBHOOKS = "test_webhooks"
    LIVE_WEBHOOKS = "live_webhooks"
    PAYOUTS = "payouts"
    FINISH_PAYOUTS = "finish_payouts"
    FINISH_ORDERS = "finish_orders"


_S = OrganizationStatus
_ALL: Final = frozenset(OrganizationStatus)
_THROUGH: Final = frozenset({_S.PENDING_REVIEW, _S.APPROVED})
_APPROVED: Final = frozenset({_S.APPROVED})

TABLE: Final[Mapping[Capability, frozenset[OrganizationStatus]]] = {
    Capability.SIGN_IN: _ALL,
    Capability.DASHBOARD: _THROUGH | {_S.REJECTED},
    Capability.TOKENS: _THROUGH,
    Capability.TEST_KEYS: _THROUGH,
    Capability.LIVE_KEYS: _APPROVED,
    Capability.TEST_WEBHOOKS: _THROUGH,
    Capability.LIVE_WEBHOOKS: _APPROVED,
    Capability.PAYOUTS: _APPROVED,
    Capability.FINISH_PAYOUTS: _ALL,
    Capability.FINISH_ORDERS: _ALL,
}

_KEYS: Final = {
    Environment.LIVE: Capability.LIVE_KEYS,
    Environment.TEST: Capability.TEST_KEYS,
}
_WEBHOOKS: Final = {
    Environment.LIVE: Capability.LIVE_WEBHOOKS,
    Environment.TEST: Capability.TEST_WEBHOOKS,
}

#: Why something does not work, and what to do; the beginning of each sentence that says so.
REASONS: Final[Mapping[OrganizationStatus, str]] = {
    _S.ONBOARDING: "Your organization's onboarding is not finished. Complete it in the dashboard.",
    _S.NEEDS_CONTACT: "Your organization's onboarding is on hold. Contact us to continue.",
    _S.PENDING_REVIEW: "Your organization is under review. This works once it is approved.",
    _S.APPROVED: "Your organization is approved.",
    _S.REJECTED: "Your organization was not approved. Contact us for another review.",
}


def works(capability: Capability, status: OrganizationStatus) -> bool:
    """Whether the table gives organizations in `status` this capability."""
    return status in TABLE[capability]


def keys_work(status: OrganizationStatus, environment: Environment) -> bool:
    """Whether API keys of this environment answer."""
    return works(_KEYS[environment], status)


def webhooks_go(status: OrganizationStatus, environment: Environment) -> bool:
    """Whether deliveries of this environment are sent; else they are held."""
    return works(_WEBHOOKS[environment], status)


def refused(status: OrganizationStatus) -> OrganizationInactive:
    """What a caller is told whose organization's status does not allow the call."""
    return OrganizationInactive(REASONS[status], data={"status": status.value})


def among(capability: Capability) -> str:
    """A condition of SQL: the organization `o` has the capability."""
    names = ", ".join(f"'{status.value}'" for status in sorted(TABLE[capability]))
    return f"o.status IN ({names})"


def delivering(environment: str) -> str:
    """A condition of SQL: deliveries of the organization `o` in this environment are sent."""
    return among(_WEBHOOKS[Environment(environment)])


def delivering_of(organization: str, environment: str) -> str:
    """The same for an organization and an environment that are parameters of the statement.

    It depends on no row, so a statement asks it once, however many rows it reads.
    """
    by_environment = (
        f"CASE {environment}::text WHEN 'live' THEN {delivering('live')}"
        f" ELSE {delivering('test')} END"
    )
    # Put together out of our own constants.
    return f"(SELECT {by_environment} FROM organization AS o WHERE o.id = {organization}::uuid)"  # noqa: S608


#: The same for the environment of an endpoint `e`, and for keys and the environment of a key `k`.
DELIVERING: Final = (
    f"CASE e.environment WHEN 'live' THEN {delivering('live')} ELSE {delivering('test')} END"
)
KEYS_WORK: Final = (
    f"CASE k.environment WHEN 'live' THEN {among(Capability.LIVE_KEYS)}"
    f" ELSE {among(Capability.TEST_KEYS)} END"
)
