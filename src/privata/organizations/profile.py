"""What an organization is and what its plan brings, for those who act for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.errors import NotFound
from privata.core.roles import Role
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.plans import PLANS, TEST_ENDPOINTS, TEST_STREAMS, Plan

_FETCH: Final = "SELECT name, status, plan, live_streams FROM organization WHERE id = $1"
_STATUS: Final = "SELECT status FROM organization WHERE id = $1"
_LOCK: Final = f"{_FETCH} FOR NO KEY UPDATE"
_SHARE: Final = "SELECT plan, share_percent FROM organization WHERE id = $1"

_ROLE: Final = """
SELECT m.role FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.user_id = $2 AND m.deactivated_at IS NULL AND u.is_active
FOR SHARE OF m
"""


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

    def endpoints(self, environment: Environment) -> int:
        """How many endpoints may be in use."""
        live = environment is Environment.LIVE
        return PLANS[self.plan].live_endpoints if live else TEST_ENDPOINTS


async def profile_of(ctx: AppContext, *, actor: Actor) -> Profile:
    """The actor's own organization. `NotFound` if it is gone."""
    return _profile(await ctx.database.pool.fetchrow(_FETCH, actor.organization_id))


async def locked_profile(tx: Transaction, *, organization_id: UUID) -> Profile:
    """An organization, locked until the commit: what is counted for it is counted one by one.

    Taken before the locks of what belongs to it. `NotFound` if there is no such organization.
    """
    return _profile(await tx.connection.fetchrow(_LOCK, organization_id))


async def status_of(ctx: AppContext, organization_id: UUID) -> OrganizationStatus:
    """An organization's status. `NotFound` if there is no such organization."""
    status: str | None = await ctx.database.pool.fetchval(_STATUS, organization_id)
    if status is None:
        raise NotFound("Organization not found.")
    return OrganizationStatus(status)


async def held_role(tx: Transaction, *, organization_id: UUID, user_id: int) -> Role | None:
    """The role of an active member, which stays as it is until the commit; None for others.

    Of an act in the name of a role and the fall of that role at the same moment, one waits for the
    other.
    """
    role: str | None = await tx.connection.fetchval(_ROLE, organization_id, user_id)
    return None if role is None else Role(role)


async def share_percent_of(tx: Transaction, *, organization_id: UUID) -> int:
    """The partner's percent of the commission: by contract, else by plan (docs/ledger.md)."""
    row = await tx.connection.fetchrow(_SHARE, organization_id)
    if row is None:
        raise NotFound("Organization not found.")
    by_contract: int | None = row["share_percent"]
    return PLANS[Plan(row["plan"])].share_percent if by_contract is None else by_contract


def _profile(row: asyncpg.Record | None) -> Profile:
    if row is None:
        raise NotFound("Organization not found.")
    return Profile(
        row["name"], OrganizationStatus(row["status"]), Plan(row["plan"]), row["live_streams"]
    )
