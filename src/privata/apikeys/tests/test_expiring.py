"""Warnings of expiry: two for a key with time, one for a key without, each told once."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from privata.apikeys.expiring import FIRST_WARNING_H, LAST_WARNING_H, warn_once
from privata.apikeys.service import edit_key, revoke_key
from privata.apikeys.tests.making import LIVE, TEST, made, person
from privata.core.clock import ManualClock
from privata.core.roles import Role
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.organizations.tests.people import member


def at(ctx: AppContext, hours_before: float, end: datetime) -> AppContext:
    """The application context with its clock so many hours before `end`."""
    clock = ManualClock(end - timedelta(hours=hours_before))
    return dataclasses.replace(ctx, clock=clock)


def end_in(ctx: AppContext, days: int) -> datetime:
    return datetime.combine(ctx.clock.now().date() + timedelta(days=days), time.min, UTC)


async def told(ctx: AppContext) -> list[tuple[str, int]]:
    rows = await ctx.database.pool.fetch("SELECT body FROM event ORDER BY seq")
    bodies = [json.loads(unpacked(row["body"])) for row in rows]
    return [(body["reason"], body["hours_left"]) for body in bodies]


async def test_seven_days_and_a_day_before(ctx: AppContext, organization: UUID) -> None:
    end = end_in(ctx, 30)
    key = await made(ctx, organization, LIVE, name="Server", expires_on=end.date())
    assert await warn_once(at(ctx, FIRST_WARNING_H + 0.01, end)) == 0
    assert await warn_once(at(ctx, FIRST_WARNING_H, end)) == 1
    assert await warn_once(at(ctx, LAST_WARNING_H + 0.01, end)) == 0
    assert await warn_once(at(ctx, LAST_WARNING_H - 0.5, end)) == 1
    assert await warn_once(at(ctx, 1, end)) == 0
    assert await warn_once(at(ctx, 0, end)) == 0
    assert await told(ctx) == [("7_days", 168), ("24_hours", 24)]
    row = await ctx.database.pool.fetchrow("SELECT * FROM event ORDER BY seq LIMIT 1")
    assert row is not None
    assert (row["environment"], row["channel"], row["type"]) == ("live", "ops", "api_key_expiring")
    body = json.loads(unpacked(row["body"]))
    del body["event_id"], body["ts"]
    assert body == {
        "event": "api_key_expiring",
        "reason": "7_days",
        "key_id": str(key.id),
        "name": "Server",
        "prefix": key.key[:16],
        "expires_on": end.date().isoformat(),
        "hours_left": 168,
    }


async def test_a_key_with_little_time_is_told_of_once(ctx: AppContext, organization: UUID) -> None:
    end = end_in(ctx, 30)
    await made(ctx, organization, TEST, expires_on=end.date())
    assert await warn_once(at(ctx, 3, end)) == 1
    assert await warn_once(at(ctx, 2, end)) == 0
    assert await told(ctx) == [("24_hours", 3)]


async def test_a_revoked_key_and_one_without_end_are_not_told_of(
    ctx: AppContext, organization: UUID
) -> None:
    end = end_in(ctx, 30)
    revoked = await made(ctx, organization, TEST, expires_on=end.date())
    await made(ctx, organization, TEST)
    await revoke_key(ctx, actor=person(organization), key_id=revoked.id)
    assert await warn_once(at(ctx, 3, end)) == 0


async def test_a_new_date_is_warned_of_anew(ctx: AppContext, organization: UUID) -> None:
    end = end_in(ctx, 30)
    later = end + timedelta(days=30)
    key = await made(ctx, organization, TEST, expires_on=end.date())
    assert await warn_once(at(ctx, 3, end)) == 1
    await edit_key(
        ctx,
        actor=person(organization),
        key_id=key.id,
        name="Renamed",
        scopes=["orders:rw"],
        allowed_cidrs=[],
        expires_on=later.date(),
    )
    assert await warn_once(at(ctx, 2, end)) == 0
    assert await warn_once(at(ctx, 100, later)) == 1
    await edit_key(
        ctx,
        actor=person(organization),
        key_id=key.id,
        name="Renamed again",
        scopes=["orders:rw"],
        allowed_cidrs=[],
        expires_on=later.date(),
    )
    assert await warn_once(at(ctx, 99, later)) == 0


async def test_many_workers_tell_each_key_once(ctx: AppContext, organization: UUID) -> None:
    """The statement that takes a key marks it; the lock of one worker makes the others pass by."""
    end = end_in(ctx, 30)
    for _ in range(6):
        await made(ctx, organization, TEST, expires_on=end.date())
    then = at(ctx, 100, end)
    counts = await asyncio.gather(*(warn_once(then) for _ in range(8)))
    while counts[-1]:
        counts.append(await warn_once(then))
    assert sum(counts) == 6
    assert len(await told(ctx)) == 6


async def test_owners_admins_and_the_maker_get_a_mail(ctx: AppContext, organization: UUID) -> None:
    """Each once; not somebody who has left, and nobody else."""
    end = end_in(ctx, 30)
    key = await made(ctx, organization, LIVE, name="Server", expires_on=end.date())
    for role in Role:
        await member(ctx, organization, role, f"{role.value}@acme.example")
    await warn_once(at(ctx, FIRST_WARNING_H, end))
    assert await mailed(ctx) == ["admin@acme.example", "owner@acme.example"]
    await ctx.database.pool.execute(
        "UPDATE api_key SET created_by = 'Developer@acme.example' WHERE id = $1", key.id
    )
    await ctx.database.pool.execute("DELETE FROM mail")
    await warn_once(at(ctx, LAST_WARNING_H, end))
    everybody = ["admin@acme.example", "developer@acme.example", "owner@acme.example"]
    assert await mailed(ctx) == everybody


async def mailed(ctx: AppContext) -> list[str]:
    rows = await ctx.database.pool.fetch(
        "SELECT recipient FROM mail WHERE template = 'key_expires' ORDER BY recipient"
    )
    return [row["recipient"] for row in rows]
