"""The states of an organization."""

from __future__ import annotations

from enum import StrEnum


class OrganizationStatus(StrEnum):
    ONBOARDING = "onboarding"
    NEEDS_CONTACT = "needs_contact"
    PENDING_REVIEW = "pending_review"
    APPROVED = "approved"
    REJECTED = "rejected"


#: Not through onboarding: nothing but that is shown.
UNFINISHED = frozenset({OrganizationStatus.ONBOARDING, OrganizationStatus.NEEDS_CONTACT})
