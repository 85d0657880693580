"""What API keys and tokens are found by moves to a new secret key when they are used."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid

import pytest

from conftest import wait_for
from privata.apikeys.admission import Admitter
from privata.apikeys.tests.making import made
from privata.apikeys.tests.test_admission import caller
from privata.core.errors import PrivataError
from privata.core.roles import Role
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.limits import Kind
from privata.infra.sealing import Sealer
from privata.infra.secret_keys.entering import enter
from privata.infra.secret_keys.redigesting import hanging
from privata.infra.secret_keys.retiring import retire
from privata.infra.secret_keys.status import uses_of
from privata.infra.settings import Settings
from privata.organizations.tests.people import member
from privata.tokens import service as tokens
from tests.journeys.operating.test_secret_keys import KEY_A, KEY_B, with_keys

A, B = Sealer([KEY_A, KEY_B]).marks


async def node(ctx: AppContext, *keys: bytes) -> AppContext:
    """A node with these keys, on the database of the test."""
    sealer = Sealer(list(keys))
    await enter(ctx.database, sealer.marks, ctx.settings)
    return AppContext(ctx.database, sealer, ctx.clock, ctx.settings)


async def admits(ctx: AppContext, key: str) -> bool:
    return (await Admitter(ctx).admit(caller(key))).actor is not None


async def moved(ctx: AppContext, table: str) -> None:
    async def has_moved() -> bool:
        found = await ctx.database.pool.fetchval(f"SELECT digest_key FROM {table}")
        return bool(found == B.name)

    await wait_for(has_moved)


async def rotated(ctx: AppContext) -> tuple[AppContext, AppContext]:
    """A node with the new key first, one with it alone."""
    await node(ctx, KEY_A, KEY_B)
    return await node(ctx, KEY_B, KEY_A), dataclasses.replace(ctx, sealer=Sealer([KEY_B]))


async def test_an_api_key_moves_when_it_is_used(ctx: AppContext, organization: uuid.UUID) -> None:
    """It hung on the secret key under which it was made, for good: that one could never go."""
    old = await node(ctx, KEY_A)
    used, idle = (await made(old, organization)).key, await made(old, organization)
    both, new = await rotated(ctx)
    assert not await admits(new, used)
    assert await admits(both, used)

    async def has_moved() -> bool:
        return [one.id for one in await hanging(ctx.database.pool, B.name)] == [str(idle.id)]

    await wait_for(has_moved)
    assert await admits(new, used)
    assert await admits(both, used)
    assert not await admits(new, idle.key)
    [left] = await hanging(ctx.database.pool, B.name)
    assert (left.organization_id, left.label, left.key) == (
        str(organization),
        idle.key[:16],
        A.name,
    )
    async with ctx.database.transaction() as tx:
        with pytest.raises(PrivataError, match="still needed: 1 in api_key_secret"):
            await retire(tx, A.shown, await uses_of(ctx.database.pool), anyway=False)


async def test_a_token_moves_when_it_is_used(ctx: AppContext, organization: uuid.UUID) -> None:
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    old = await node(ctx, KEY_A)
    token = await tokens.create_token(old, actor=owner, name="Report", days=30, write=False)
    both, new = await rotated(ctx)

    async def known(where: AppContext) -> bool:
        header = f"Bearer {token.token}"
        bearer, _ = await tokens.authenticate(
            where, header, Environment.LIVE, Kind.READ, ip="203.0.113.9"
        )
        return bearer is not None

    assert not await known(new)
    assert await known(both)
    await moved(ctx, "personal_token")
    assert await known(new)


async def test_a_key_from_before_the_column_moves_too(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    old = await node(ctx, KEY_A)
    key = (await made(old, organization)).key
    await ctx.database.pool.execute("UPDATE api_key_secret SET digest_key = NULL")
    both, new = await rotated(ctx)
    assert [one.key for one in await hanging(ctx.database.pool, B.name)] == [None]
    assert await admits(both, key)
    await moved(ctx, "api_key_secret")
    assert await admits(new, key)


async def test_a_server_that_has_not_gone_on_moves_nothing_back(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """Servers with different first keys moved a busy key to and fro with every call."""
    old = await node(ctx, KEY_A)
    key = (await made(old, organization)).key
    behind = await node(ctx, KEY_A, KEY_B)
    both = await node(ctx, KEY_B, KEY_A)
    assert await admits(both, key)
    await moved(ctx, "api_key_secret")
    await behind.keys.look(ctx.database, behind.sealer.marks, "PRIVATA_SECRET_KEYS")
    for _ in range(3):
        assert await admits(behind, key)
    await asyncio.sleep(0.2)
    assert await ctx.database.pool.fetchval("SELECT digest_key FROM api_key_secret") == B.name


async def test_resealing_names_what_has_not_been_used(
    ctx: AppContext, settings: Settings, organization: uuid.UUID
) -> None:
    old = await node(ctx, KEY_A)
    key = await made(old, organization)
    await rotated(ctx)
    code, out, err = await with_keys(settings, KEY_B, KEY_A)("secrets", "reseal")
    assert code == 0, err
    assert (
        f"API key {key.id} ({key.key[:16]}…) of organization {organization} needs {A.shown} until"
        " it is used again" in out
    )
