"""Processes with different keys on one database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from privata.core.errors import StartupError
from privata.infra.context import AppContext
from privata.infra.sealing import Sealer
from privata.infra.secret_keys import store
from privata.infra.secret_keys.entering import enter
from privata.infra.secret_keys.watching import KeyWatch

A, B = (bytes([n]) * 32 for n in (1, 2))


async def come(ctx: AppContext, *keys: bytes, stays: bool = True) -> None:
    await enter(ctx.database, Sealer(list(keys)).marks, ctx.settings, stays=stays)


async def test_a_new_installation_records_its_keys(ctx: AppContext) -> None:
    await come(ctx, A, B)
    known = {key.mark: key.first_at for key in await store.known_keys(ctx.database.pool)}
    first, second = Sealer([A, B]).marks
    assert known[first] is not None
    assert known[second] is None


async def test_a_command_alone_records_them_too(ctx: AppContext) -> None:
    await come(ctx, A, stays=False)
    with pytest.raises(StartupError, match="holds secrets under the key"):
        await come(ctx, B, stays=False)


async def test_two_nodes_with_different_keys_do_not_both_begin(ctx: AppContext) -> None:
    """Both find an empty table: without the lock, each would record its own."""
    came = await asyncio.gather(come(ctx, A), come(ctx, B), return_exceptions=True)
    assert [type(one) for one in came if one is not None] == [StartupError]


async def test_in_development_the_message_names_the_file(ctx: AppContext, tmp_path: Path) -> None:
    await come(ctx, A)
    with pytest.raises(StartupError, match=str(tmp_path / "secret.key")):
        await come(ctx, B)


async def test_a_key_that_was_made_first_elsewhere_is_noticed(ctx: AppContext) -> None:
    """The process went on with the old key alone and answered 401 to right keys."""
    await come(ctx, A)
    watch, marks = KeyWatch(), Sealer([A]).marks
    await watch.look(ctx.database, marks, "PRIVATA_SECRET_KEYS")
    assert watch.problem() is None
    await ctx.database.pool.execute(
        "INSERT INTO secret_key (name, fingerprint, first_at) VALUES ($1, $2, now())",
        Sealer([B]).marks[0].name,
        Sealer([B]).marks[0].fingerprint,
    )
    await watch.look(ctx.database, marks, "PRIVATA_SECRET_KEYS")
    assert Sealer([B]).marks[0].shown in (watch.problem() or "")
    await watch.look(ctx.database, Sealer([A, B]).marks, "PRIVATA_SECRET_KEYS")
    assert watch.problem() is None
