"""Passkeys in the database: one that two people register at the same moment is one person's."""

from __future__ import annotations

import asyncio

from conftest import wait_for
from privata.accounts.client import Client
from privata.accounts.factors import service as factors
from privata.accounts.factors.service import PasskeyAdded
from privata.accounts.service import create_user
from privata.infra.context import AppContext

_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def _user(ctx: AppContext, email: str) -> int:
    async with ctx.database.transaction() as tx:
        return await create_user(tx, email=email, password_hash="")


async def test_of_two_people_who_register_a_passkey_at_the_same_moment_one_has_it(
    ctx: AppContext,
) -> None:
    emails = ("first@wallet.example", "second@wallet.example")
    ids = [await _user(ctx, email) for email in emails]

    async def add(user_id: int, email: str) -> PasskeyAdded:
        return await factors.add_passkey(
            ctx,
            user_id=user_id,
            email=email,
            name="Pocket",
            credential={"rawId": "AAAA"},
            client=Client(ip="192.0.2.1", user_agent=""),
        )

    async def both_wait() -> bool:
        return int(await ctx.database.pool.fetchval(_WAITING)) == 2

    async with ctx.database.transaction() as holder:
        # Both are past their first look when the table lets them write.
        await holder.connection.execute("LOCK TABLE mfa_authenticator IN SHARE MODE")
        adding = [asyncio.create_task(add(*each)) for each in zip(ids, emails, strict=True)]
        await wait_for(both_wait)
    results = sorted(await asyncio.gather(*adding))
    assert results == [PasskeyAdded.ADDED, PasskeyAdded.REGISTERED]
    rows = await ctx.database.pool.fetchval("SELECT count(*) FROM mfa_authenticator")
    assert rows == 1
