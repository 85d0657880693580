"""What partners choose of the providers, and what they are shown of them, on a real database."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor, Environment, system_actor
from privata.infra.context import AppContext
from privata.providers.port import MAX_MARKUP_BPS
from privata.routing import outages, reading, setting
from privata.routing.setting import Turned
from privata.routing.tests.market import Market

LIVE, TEST = Environment.LIVE, Environment.TEST


@pytest.fixture
async def market(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(ctx, monkeypatch)
    await made.open("changenow")
    await made.open("exolix")
    yield made
    await made.close()


@pytest.fixture
def actor(organization: uuid.UUID) -> Actor:
    return system_actor(organization, LIVE, "tests")


async def on(ctx: AppContext, actor: Actor) -> list[str]:
    every = await reading.offered(ctx.database.pool, actor=actor)
    return [one.name for one in every if one.turned_on]


async def entries(ctx: AppContext) -> list[tuple[str, str, Any]]:
    rows = await ctx.database.pool.fetch(
        "SELECT action, target, changes FROM audit_entry"
        " WHERE action ~ '^(provider|markup)[.]' ORDER BY seq"
    )
    return [
        (row["action"], row["target"], json.loads(row["changes"]) if row["changes"] else None)
        for row in rows
    ]


async def test_the_last_one_is_turned_off_only_when_it_is_meant(
    ctx: AppContext, market: Market, actor: Actor
) -> None:
    async def turn(provider: str, to: bool, **more: bool) -> Turned:
        return await setting.turn(ctx, actor=actor, provider=provider, on=to, **more)

    assert await on(ctx, actor) == ["changenow", "exolix"]
    assert await turn("changenow", False) is Turned.DONE
    assert await turn("changenow", False) is Turned.SAME
    assert await turn("exolix", False) is Turned.LAST
    assert await on(ctx, actor) == ["exolix"]
    assert await turn("exolix", False, even_last=True) is Turned.DONE
    assert await on(ctx, actor) == []
    assert await turn("changenow", True) is Turned.DONE
    with pytest.raises(NotFound):
        await turn("sideshift", True)
    with pytest.raises(NotFound):
        await turn("simulator", False)
    assert [entry[:2] for entry in await entries(ctx)] == [
        ("provider.turned_off", "changenow"),
        ("provider.turned_off", "exolix"),
        ("provider.turned_on", "changenow"),
    ]


async def test_of_two_who_turn_off_the_last_two_one_is_warned(
    ctx: AppContext, market: Market, actor: Actor
) -> None:
    done = await asyncio.gather(
        *(
            setting.turn(ctx, actor=actor, provider=name, on=False)
            for name in ("changenow", "exolix")
        )
    )
    assert sorted(done) == [Turned.DONE, Turned.LAST]
    assert len(await on(ctx, actor)) == 1


async def test_markups_of_one_and_for_all(ctx: AppContext, market: Market, actor: Actor) -> None:
    async def own() -> dict[str, int | None]:
        every = await reading.offered(ctx.database.pool, actor=actor)
        return {one.name: one.markup_bps for one in every}

    assert await reading.markup_of(ctx.database.pool, actor=actor) == 0
    assert await setting.set_markup(ctx, actor=actor, bps=300)
    assert not await setting.set_markup(ctx, actor=actor, bps=300)
    assert await reading.markup_of(ctx.database.pool, actor=actor) == 300
    assert await setting.set_markup(ctx, actor=actor, bps=0, provider="exolix")
    assert await own() == {"changenow": None, "exolix": 0}
    # One is as independent of the other as they look on the page.
    await setting.turn(ctx, actor=actor, provider="exolix", on=False)
    assert await own() == {"changenow": None, "exolix": 0}
    assert await setting.set_markup(ctx, actor=actor, bps=None, provider="exolix")
    assert await on(ctx, actor) == ["changenow"]
    for bps in (-1, 301, None):
        with pytest.raises(ValidationFailed):
            await setting.set_markup(ctx, actor=actor, bps=bps)
    with pytest.raises(NotFound):
        await setting.set_markup(ctx, actor=actor, bps=1, provider="nobody")
    assert await entries(ctx) == [
        ("markup.changed", "all", {"markup_bps": {"before": 0, "after": 300}}),
        ("markup.changed", "exolix", {"markup_bps": {"before": None, "after": 0}}),
        ("provider.turned_off", "exolix", None),
        ("markup.changed", "exolix", {"markup_bps": {"before": 0, "after": None}}),
    ]


async def test_test_has_the_simulator_and_choices_of_its_own(
    ctx: AppContext, market: Market, actor: Actor, organization: uuid.UUID
) -> None:
    test = system_actor(organization, TEST, "tests")
    assert await on(ctx, test) == ["simulator"]
    await setting.turn(ctx, actor=test, provider="simulator", on=False, even_last=True)
    await setting.set_markup(ctx, actor=test, bps=10)
    assert await on(ctx, test) == []
    assert await on(ctx, actor) == ["changenow", "exolix"]
    assert await reading.markup_of(ctx.database.pool, actor=actor) == 0
    with pytest.raises(NotFound):
        await setting.turn(ctx, actor=test, provider="exolix", on=False)
    (terms,) = (await reading.terms_of(ctx, environment=TEST)).items()
    assert (terms[0], terms[1].most_markup_bps) == ("simulator", MAX_MARKUP_BPS)
    found = await reading.terms_of(ctx, environment=LIVE)
    assert {name: one.most_markup_bps for name, one in found.items()} == {
        "changenow": 0,
        "exolix": 0,
    }


async def test_outages_are_shown_to_those_who_use_the_provider(
    ctx: AppContext, market: Market, actor: Actor, organization: uuid.UUID
) -> None:
    async def down() -> list[tuple[str, str]]:
        return [(one.provider, one.fault) for one in await reading.down_now(ctx, actor=actor)]

    assert await down() == []
    await outages.note_down(ctx, "exolix", "timeout")
    await outages.note_down(ctx, "changenow", "connection")
    assert await down() == [("exolix", "timeout"), ("changenow", "connection")]
    assert await reading.down_now(ctx, actor=system_actor(organization, TEST, "tests")) == []
    await setting.turn(ctx, actor=actor, provider="exolix", on=False)
    assert await down() == [("changenow", "connection")]
    await outages.note_up(ctx, "changenow")
    assert await down() == []


async def test_outages_of_a_time_are_those_in_it_and_the_last_before(
    ctx: AppContext, market: Market
) -> None:
    now = ctx.clock.now()
    for hours in (40, 30, 5):
        await ctx.database.pool.execute(
            "INSERT INTO provider_outage (id, provider_id, fault, began_at, ended_at)"
            " VALUES (gen_random_uuid(), 'exolix', 'timeout', $1, $2)",
            now - timedelta(hours=hours),
            now - timedelta(hours=hours - 1),
        )
    found = await reading.outages_since(ctx, now - timedelta(hours=24))
    assert sorted((now - one.began_at) // timedelta(hours=1) for one in found) == [5, 30]
    assert {one.provider for one in found} == {"exolix"}
    await setting.disable(ctx, "exolix")
    assert await reading.outages_since(ctx, now - timedelta(hours=24)) == []
