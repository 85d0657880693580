"""The worker's alarm about a foreign snapshot, from the database to the log and the command."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from contextlib import suppress

import asyncpg
import pytest

from conftest import Cluster, environment_for, wait_for
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.worker import snapshots
from privata.worker.snapshots import watch_snapshots
from tests import programs


async def test_a_foreign_snapshot_alarms_and_names_its_holder(
    ctx: AppContext,
    cluster: Cluster,
    database_name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(snapshots, "LOOK_EVERY_S", 0.05)
    eager = ctx.settings.model_copy(update={"snapshot_alarm_seconds": 1})
    ctx = dataclasses.replace(ctx, settings=eager)
    caplog.set_level(logging.ERROR)
    url = cluster.admin_url.replace("/postgres?", f"/{database_name}?")
    dump = await asyncpg.connect(url, server_settings={"application_name": "pg_dump"})
    watching = asyncio.create_task(watch_snapshots(ctx))
    try:
        async with dump.transaction(isolation="repeatable_read", readonly=True):
            await dump.fetchval("SELECT count(*) FROM webhook_delivery")

            async def said() -> bool:
                await ctx.database.pool.execute("SELECT pg_current_xact_id()")
                return "held for" in caplog.text

            await wait_for(said)
        assert f'transaction "pg_dump" (pid {dump.get_server_pid()}, user ' in caplog.text
        assert "docs/operations.md" in caplog.text
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await dump.close()


async def test_the_command_lists_holders_with_what_ends_them(
    settings: Settings, cluster: Cluster, database_name: str, ctx: AppContext
) -> None:
    url = cluster.admin_url.replace("/postgres?", f"/{database_name}?")
    dump = await asyncpg.connect(url, server_settings={"application_name": "pg_dump"})
    try:
        async with dump.transaction(isolation="repeatable_read", readonly=True):
            await dump.fetchval("SELECT count(*) FROM webhook_delivery")
            await ctx.database.pool.execute("SELECT pg_current_xact_id()")
            listed = await _privata(settings, "snapshots", "--json")
            told = json.loads(listed)
            assert told["complete"] is True
            assert "pg_dump" in [one["name"] for one in told["snapshots"]]
            shown = await _privata(settings, "snapshots")
            assert f"pg_terminate_backend({dump.get_server_pid()})" in shown
    finally:
        await dump.close()


async def _privata(settings: Settings, *arguments: str) -> str:
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    env = environment_for(settings.home, settings.database_url, settings.database_owner_url)
    done = await programs.run_beside("privata", *arguments, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout
