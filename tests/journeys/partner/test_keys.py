"""The life of a key over real HTTP, and from the command line (docs/authentication.md)."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from conftest import Cluster, environment_for
from privata.apikeys.expiring import warn_once
from privata.apikeys.rotation import end_old_secret, rotate_key
from privata.apikeys.service import create_key, edit_key, revoke_key
from privata.apikeys.tests.making import edit
from privata.core.clock import ManualClock
from privata.core.tenancy import Environment, system_actor
from privata.events.bodies import unpacked
from privata.infra.settings import Settings
from privata.webhooks.endpoints.service import create_endpoint
from tests import programs
from tests.conftest import Partner

ESTIMATE = {"from": "BTC", "to": "ETH", "amount": "0.1"}


async def status(partner: Partner, key: str) -> int:
    return (await partner.get("/estimate", key=key, **ESTIMATE)).status_code


async def new_key(partner: Partner, **more: Any) -> tuple[UUID, str]:
    actor = system_actor(partner.organization_id, Environment.TEST, "tests")
    async with partner.ctx.database.transaction() as tx:
        made = await create_key(
            tx, partner.ctx, actor=actor, environment=Environment.TEST, name="Journey", **more
        )
    return made.id, made.key


async def test_a_key_from_its_first_call_to_its_end(partner: Partner) -> None:
    ctx = partner.ctx
    actor = system_actor(partner.organization_id, Environment.TEST, "tests")
    key_id, first = await new_key(partner)
    assert await status(partner, first) == 200
    rotated = await rotate_key(ctx, actor=actor, key_id=key_id)
    assert [await status(partner, key) for key in (first, rotated.key)] == [200, 200]
    await end_old_secret(ctx, actor=actor, key_id=key_id)
    assert [await status(partner, key) for key in (first, rotated.key)] == [401, 200]
    await revoke_key(ctx, actor=actor, key_id=key_id)
    refused = await partner.get("/estimate", key=rotated.key, **ESTIMATE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "INVALID_KEY")


async def test_addresses_and_scopes_hold_from_the_next_call_on(partner: Partner) -> None:
    actor = system_actor(partner.organization_id, Environment.TEST, "tests")
    key_id, key = await new_key(partner, allowed_cidrs=["127.0.0.0/8", "2001:db8::/48"])
    assert await status(partner, key) == 200
    changed = edit("webhook:admin", allowed_cidrs=["127.0.0.1"])
    await edit_key(partner.ctx, actor=actor, key_id=key_id, **changed)
    missing = await partner.get("/order/prv-x", key=key)
    assert (missing.status_code, missing.json()["error"]["code"]) == (403, "SCOPE_REQUIRED")
    changed = edit("webhook:admin", allowed_cidrs=["203.0.113.0/24"])
    await edit_key(partner.ctx, actor=actor, key_id=key_id, **changed)
    assert await status(partner, key) == 401


async def test_an_ops_endpoint_hears_that_a_key_expires(partner: Partner) -> None:
    ctx = partner.ctx
    actor = system_actor(partner.organization_id, Environment.TEST, "tests")
    day = ctx.clock.now().date() + timedelta(days=30)
    key_id, key = await new_key(partner, expires_on=day)
    await create_endpoint(
        ctx, actor=actor, url="http://localhost:1/ops", alias="Ops", channel="ops"
    )
    end = datetime.combine(day, time.min, UTC)
    then = dataclasses.replace(ctx, clock=ManualClock(end - timedelta(days=6)))
    await asyncio.gather(warn_once(then), warn_once(then))
    rows = await ctx.database.pool.fetch(
        "SELECT e.body FROM webhook_due AS d JOIN event AS e ON e.seq = d.event_seq"
    )
    (told,) = [json.loads(unpacked(row["body"])) for row in rows]
    assert (told["event"], told["reason"], told["hours_left"]) == (
        "api_key_expiring",
        "7_days",
        144,
    )
    assert (told["key_id"], told["prefix"], told["sandbox"]) == (str(key_id), key[:16], True)


@pytest.fixture
def privata(cluster: Cluster, settings: Settings, database_name: str) -> Any:
    """Run `privata keys …`; what it printed, as JSON where it is."""

    def run(*arguments: str, fails: bool = False) -> Any:
        env = environment_for(
            settings.home,
            cluster.app(database_name),
            cluster.owner(database_name),
            PRIVATA_LOG_LEVEL="error",
        )
        done = programs.run("privata", "keys", *arguments, env=env)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout)

    return run


async def test_an_operator_keeps_keys_from_the_command_line(privata: Any, partner: Partner) -> None:
    where = ("--organization", str(partner.organization_id))

    async def run(*arguments: str, fails: bool = False) -> Any:
        # In a thread: the API of this test answers on this loop.
        return await asyncio.to_thread(privata, *arguments, *where, fails=fails)

    made = await run("create", "--name", "Cron", "--scope", "orders:rw", "--json")
    assert await status(partner, made["key"]) == 200
    rotated = await run("rotate", made["id"], "--json")
    assert await status(partner, rotated["key"]) == 200
    assert "Two secrets are active" in await run("rotate", made["id"], fails=True)
    wrong = await run("create", "--name", "Cron", "--allow", "10.0.0.0/99", fails=True)
    assert "Invalid IP range format: 10.0.0.0/99" in wrong
    (seen,) = [one for one in await run("list", "--json") if one["id"] == made["id"]]
    assert (seen["state"], seen["name"], seen["last_used_ip"]) == ("rotating", "Cron", "127.0.0.1")
    assert made["key"] not in json.dumps(seen)
    (live,) = await run("list", "--environment", "live", "--json")
    assert "last live key" in await run("revoke", live["id"], fails=True)
    ended = await run("revoke", made["id"], "--json")
    assert ended == {"id": made["id"], "already": False, "last_live": False}
    assert await status(partner, rotated["key"]) == 401
