"""What an organization is and what its plan brings, for those who act for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.core.errors import NotFound
from privata.core.tenancy import Actor, Environment
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.organizations.plans import PLANS, TEST_STREAMS, Plan
from privata.organizations.states import OrganizationStatus

_FETCH: Final = "SELECT name, status, plan, live_streams FROM organization WHERE id = $1"
_SHARE: Final = "SELECT plan, share_percent FROM organization WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Profile:
    """An organization. `live_streams` by contract; None: by plan."""

    name: str
    status: OrganizationStatus
    plan: Plan
    live_streams: int | None

    def streams(self, environment: Environment) -> int:
        """How many event streams may be open at once."""
        if environment is Environment.TEST:
            return TEST_STREAMS
        return PLANS[self.plan].live_streams if self.live_streams is None else self.live_streams


async def profile_of(kernel: Kernel, *, actor: Actor) -> Profile:
    """The actor's own organization. `NotFound` if it is gone."""
    row = await kernel.database.pool.fetchrow(_FETCH, actor.organization_id)
    if row is None:
        raise NotFound("Organization not found.")
    return Profile(
        row["name"], OrganizationStatus(row["status"]), Plan(row["plan"]), row["live_streams"]
    )


async def share_percent_of(tx: Transaction, *, organization_id: UUID) -> int:
    """The partner's percent of the commission: by contract, else by plan (docs/ledger.md)."""
    row = await tx.connection.fetchrow(_SHARE, organization_id)
    if row is None:
        raise NotFound("Organization not found.")
    by_contract: int | None = row["share_percent"]
    return PLANS[Plan(row["plan"])].share_percent if by_contract is None else by_contract
