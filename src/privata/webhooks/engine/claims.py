"""Claiming: which deliveries are to be sent now, and everything needed to send them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg

from privata.events.bodies import unpacked
from privata.webhooks.engine.claim_sql import CLAIM, NEXT_DUE, OLDEST_DUE
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.slots import Account, Grant, Slot
from privata.webhooks.states import Channel

_GIVE_BACK: Final = """
UPDATE webhook_due AS d SET leased_until = NULL
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[])
    AS cut (organization_id, environment, id, lease_token)
WHERE d.organization_id = cut.organization_id AND d.environment = cut.environment
  AND d.id = cut.id AND d.lease_token = cut.lease_token AND d.leased_until IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A signing secret as stored; None as its end: until it is replaced."""

    id: UUID
    sealed: bytes
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery leased to us. Times are the database's; `secrets` are oldest first.

    `probing`: its end decides whether the endpoint is resumed or paused again; `unaided`: it is a
    probe of our own.
    """

    delivery_id: UUID
    endpoint_id: UUID
    organization_id: UUID
    lease_token: int
    attempts: int
    first_attempt_at: datetime | None
    claimed_at: datetime
    url: str
    dialect: str
    environment: str
    channel: str
    schedule_s: tuple[int, ...] | None
    probing: bool
    unaided: bool
    event_id: str
    body: bytes
    secrets: tuple[SealedSecret, ...]

    @property
    def slot(self) -> Slot:
        """What it occupies while it is sent."""
        account = Account(self.organization_id, self.environment, self.channel == Channel.OPS)
        return Slot(account, self.endpoint_id, self.attempts > 0)

    @property
    def send(self) -> tuple[UUID, int]:
        """What tells this lease's send from all others."""
        return self.delivery_id, self.lease_token


async def claim(
    db: ReconnectingConnection, *, grant: Grant, lease_s: float, per_endpoint: int
) -> list[Claim]:
    """Lease what is due and `grant` allows for `lease_s` seconds, in the order of the events.

    No endpoint gets more than `per_endpoint` at once, whatever is granted.
    """
    room = grant.room
    endpoints, accounts = grant.endpoints.values(), grant.accounts.values()
    rows = await db.fetch(
        CLAIM,
        room.orders,
        lease_s,
        per_endpoint,
        list(grant.endpoints),
        [one.sends for one in endpoints],
        room.retries,
        room.ops,
        [one.free for one in endpoints],
        [one.held_s for one in endpoints],
        [one.organization_id for one in grant.accounts],
        [one.environment for one in grant.accounts],
        [(Channel.OPS if one.ops else Channel.ORDER).value for one in grant.accounts],
        [one.sends for one in accounts],
        [one.free for one in accounts],
        room.live,
        room.test,
        room.ops_live,
        room.ops_test,
        grant.first_of_account,
        grant.first_of_ops_account,
        grant.first_of_endpoint,
        grant.first_of_ops_endpoint,
    )
    return [_claim_of(row) for row in sorted(rows, key=itemgetter("event_seq"))]


async def seconds_to_next_due(db: ReconnectingConnection, claimed_s: float = 0.0) -> float | None:
    """Seconds until a delivery that waits for its time is due; None when there is none.

    Not above zero for what became due since the last claim was asked for, `claimed_s` seconds ago:
    it was too late for that, and nobody else tells of it.
    """
    rows = await db.fetch(NEXT_DUE, claimed_s)
    found: float | None = rows[0]["seconds"]
    return found


async def oldest_due_age(pool: asyncpg.Pool[asyncpg.Record]) -> float | None:
    """For how many seconds the oldest due delivery of an active endpoint has been waiting."""
    found: float | None = await pool.fetchval(OLDEST_DUE)
    return found


async def give_back(db: ReconnectingConnection, claims: Sequence[Claim]) -> None:
    """Let others take these before their leases end: sends that a stop has cut off.

    Their receivers may have got them. Fenced as a record is, and may be repeated.
    """
    await db.fetch(
        _GIVE_BACK,
        [one.organization_id for one in claims],
        [one.environment for one in claims],
        [one.delivery_id for one in claims],
        [one.lease_token for one in claims],
    )


def _claim_of(row: asyncpg.Record) -> Claim:
    secrets = zip(row["ids"], row["sealed"], row["expiries"], strict=True)
    return Claim(
        delivery_id=row["id"],
        endpoint_id=row["endpoint_id"],
        organization_id=row["organization_id"],
        lease_token=row["lease_token"],
        attempts=row["attempts"],
        first_attempt_at=row["first_attempt_at"],
        claimed_at=row["claimed_at"],
        url=row["url"],
        dialect=row["dialect"],
        environment=row["environment"],
        channel=row["channel"],
        schedule_s=None if row["schedule_s"] is None else tuple(row["schedule_s"]),
        probing=row["probing"],
        unaided=row["unaided"],
        event_id=row["event_id"],
        body=unpacked(row["body"]),
        secrets=tuple(SealedSecret(*one) for one in secrets),
    )
