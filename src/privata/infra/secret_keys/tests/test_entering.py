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


async def come(ctx: AppContext, *keys: bytes, watch: KeyWatch | None = None) -> None:
    """A command, or with `watch` a process that goes on running."""
    await enter(ctx.database, Sealer(list(keys)).marks, ctx.settings, watch)


async def test_a_new_installation_records_its_keys(ctx: AppContext) -> None:
    await come(ctx, A, B, watch=KeyWatch())
    known = {key.mark: key.first_at for key in await store.known_keys(ctx.database.pool)}
    first, second = Sealer([A, B]).marks
    assert known[first] is not None
    assert known[second] is None


async def test_a_command_alone_records_them_too(ctx: AppContext) -> None:
    await come(ctx, A)
    with pytest.raises(StartupError, match="holds secrets under the key"):
        await come(ctx, B)


async def test_two_nodes_with_different_keys_do_not_both_begin(ctx: AppContext) -> None:
    """Both find an empty table: without the lock, each would record its own."""
    came = await asyncio.gather(
        come(ctx, A, watch=KeyWatch()), come(ctx, B, watch=KeyWatch()), return_exceptions=True
    )
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


async def test_a_key_becomes_first_only_when_every_process_has_it(ctx: AppContext) -> None:
    """Keys made on the first node with the new key were unknown to the nodes without it."""
    old, both = KeyWatch(), KeyWatch()
    await come(ctx, A, watch=old)
    await come(ctx, A, B, watch=both)
    for watch in (KeyWatch(), None):  # a command would seal with it, too
        with pytest.raises(StartupError, match="must not be first yet") as refused:
            await come(ctx, B, A, watch=watch)
        assert old.label in str(refused.value)
    await store.leave(ctx.database.pool, old.id)
    await come(ctx, B, A, watch=KeyWatch())
    with pytest.raises(StartupError, match="lacks"):
        await come(ctx, A, watch=old)
    await come(ctx, A, B, watch=KeyWatch())  # a node that has not gone on yet is no danger


async def test_a_process_that_was_killed_counts_for_a_minute(ctx: AppContext) -> None:
    await come(ctx, A, watch=KeyWatch())
    await come(ctx, A, B)
    await ctx.database.pool.execute(
        "UPDATE secret_key_process SET seen_at = now() - interval '50 s'"
    )
    with pytest.raises(StartupError, match="last seen 50 s ago"):
        await come(ctx, B, A)
    await ctx.database.pool.execute(
        "UPDATE secret_key_process SET seen_at = now() - interval '61 s'"
    )
    await come(ctx, B, A)


async def test_one_that_starts_without_the_key_while_it_becomes_first(ctx: AppContext) -> None:
    """Neither saw the other: one had not yet said that it runs, the other not yet that the key is
    first."""
    await come(ctx, A, B)
    came = await asyncio.gather(
        come(ctx, A, watch=KeyWatch()), come(ctx, B, A, watch=KeyWatch()), return_exceptions=True
    )
    assert [type(one) for one in came if one is not None] == [StartupError]


async def test_a_process_that_was_silent_for_a_minute_is_not_ready_until_it_has_looked(
    ctx: AppContext,
) -> None:
    now = 0.0
    watch, marks = KeyWatch(lambda: now), Sealer([A]).marks
    await come(ctx, A, watch=watch)
    await watch.look(ctx.database, marks, "PRIVATA_SECRET_KEYS")
    assert watch.problem() is None
    now = 61.0
    assert "not compared" in (watch.problem() or "")
    await ctx.database.pool.execute("DELETE FROM secret_key_process")
    await come(ctx, A, B)
    await come(ctx, B, A)
    await watch.look(ctx.database, marks, "PRIVATA_SECRET_KEYS")
    assert "lacks" in (watch.problem() or "")


async def test_a_process_takes_leave_when_it_stops(ctx: AppContext) -> None:
    watch, marks = KeyWatch(), Sealer([A]).marks
    await come(ctx, A, watch=watch)
    async with watch.watching(ctx.database, marks, "PRIVATA_SECRET_KEYS"):
        assert [one.label for one in await store.running_processes(ctx.database.pool)] == [
            watch.label
        ]
    assert await store.running_processes(ctx.database.pool) == []
