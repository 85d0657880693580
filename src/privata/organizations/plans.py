"""What an organization's plan brings (SPEC 23), as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Streams an organization may hold open in test, on every plan (SPEC 10).
TEST_STREAMS = 50


class Plan(StrEnum):
    TRIAL = "trial"
    STARTER = "starter"
    GROWTH = "growth"
    SCALE = "scale"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Terms:
    """`share_percent` of the platform's commission, and streams open at once in live.

    A contract's own numbers stand on the organization and win over these.
    """

    share_percent: int
    live_streams: int


PLANS: dict[Plan, Terms] = {
    Plan.TRIAL: Terms(50, 50),
    Plan.STARTER: Terms(35, 200),
    Plan.GROWTH: Terms(40, 500),
    Plan.SCALE: Terms(50, 1_500),
    Plan.ENTERPRISE: Terms(60, 1_500),
}
