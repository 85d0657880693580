"""What an organization's plan brings, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Endpoints an organization may have in test, disabled ones aside, on every plan. Each of them can
#: hold sending slots, and what a claim looks at grows with their number.
TEST_ENDPOINTS = 20

#: Streams an organization may hold open in test, on every plan (docs/streaming.md).
TEST_STREAMS = 50


class Plan(StrEnum):
    TRIAL = "trial"
    STARTER = "starter"
    GROWTH = "growth"
    SCALE = "scale"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Terms:
    """`share_percent` of the platform's commission; streams open at once and endpoints, in live.

    A contract's own numbers stand on the organization and win over these.
    """

    share_percent: int
    live_streams: int
    live_endpoints: int


PLANS: dict[Plan, Terms] = {
    Plan.TRIAL: Terms(50, 50, 20),
    Plan.STARTER: Terms(35, 200, 50),
    Plan.GROWTH: Terms(40, 500, 100),
    Plan.SCALE: Terms(50, 1_500, 250),
    Plan.ENTERPRISE: Terms(60, 1_500, 500),
}
