"""Saved views, columns and density: each person's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.orders.list import saved_views
from privata.orders.list.columns import USUAL
from privata.orders.states import Density
from privata.orders.tests.test_reading import Shop


@pytest.fixture
async def eve(ctx: AppContext) -> Actor:
    """Somebody of an organization."""
    shop = await Shop(ctx).open()
    user_id = await person(ctx, "eve@acme.example")
    return Actor(ActorKind.USER, user_id, "eve", shop.scope.organization_id, Environment.TEST)


async def person(ctx: AppContext, email: str) -> str:
    made = await ctx.database.pool.fetchval(
        "INSERT INTO app_user (email, password, is_superuser) VALUES ($1, '', false) RETURNING id",
        email,
    )
    return str(made)


async def names(ctx: AppContext, actor: Actor) -> list[str]:
    found = await saved_views.views_of(ctx, actor=actor)
    return [f"{view.name}{'*' * view.is_default}" for view in found]


async def save(ctx: AppContext, actor: Actor, name: str, query: str = "?status=failed") -> int:
    return await saved_views.save_view(ctx, actor=actor, name=name, query=query)


async def test_a_view_is_kept_renamed_and_deleted(ctx: AppContext, eve: Actor) -> None:
    view_id = await save(ctx, eve, "  Lost   ones ", "?provider=exolix&nonsense=1&status=failed")
    (view,) = await saved_views.views_of(ctx, actor=eve)
    assert (view.name, view.query) == ("Lost ones", "?status=failed&provider=exolix")
    await saved_views.rename_view(ctx, actor=eve, view_id=view_id, name="Failed")
    assert await names(ctx, eve) == ["Failed"]
    await saved_views.delete_view(ctx, actor=eve, view_id=view_id)
    assert await names(ctx, eve) == []


async def test_one_view_is_shown_first(ctx: AppContext, eve: Actor) -> None:
    first, second = await save(ctx, eve, "A"), await save(ctx, eve, "B")
    await saved_views.choose_default(ctx, actor=eve, view_id=first)
    await saved_views.choose_default(ctx, actor=eve, view_id=second)
    assert await names(ctx, eve) == ["A", "B*"]
    await saved_views.choose_default(ctx, actor=eve, view_id=None)
    assert await names(ctx, eve) == ["A", "B"]
    with pytest.raises(NotFound):
        await saved_views.choose_default(ctx, actor=eve, view_id=second + 1)


async def test_two_windows_that_choose_at_once_leave_one_default(
    ctx: AppContext, eve: Actor
) -> None:
    made = [await save(ctx, eve, name) for name in "ABCD"]
    await asyncio.gather(
        *(saved_views.choose_default(ctx, actor=eve, view_id=one) for one in made),
        return_exceptions=True,
    )
    assert sum(name.endswith("*") for name in await names(ctx, eve)) == 1


async def test_nobody_touches_anothers(ctx: AppContext, eve: Actor) -> None:
    view_id = await save(ctx, eve, "Mine")
    other = await Shop(ctx).open()
    strangers = (
        replace(eve, id=await person(ctx, "mallory@acme.example")),
        replace(eve, environment=Environment.LIVE),
        replace(eve, organization_id=other.scope.organization_id),
    )
    for stranger in strangers:
        assert await names(ctx, stranger) == []
        for attempt in (
            saved_views.rename_view(ctx, actor=stranger, view_id=view_id, name="X"),
            saved_views.delete_view(ctx, actor=stranger, view_id=view_id),
            saved_views.choose_default(ctx, actor=stranger, view_id=view_id),
        ):
            with pytest.raises(NotFound):
                await attempt
        await save(ctx, stranger, "Mine")
    assert await names(ctx, eve) == ["Mine"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "Taken"])
async def test_a_name_must_fit(ctx: AppContext, eve: Actor, name: str) -> None:
    await save(ctx, eve, "Taken")
    with pytest.raises(ValidationFailed) as caught:
        await save(ctx, eve, name)
    assert [field for field, _ in caught.value.fields] == ["name"]
    assert await names(ctx, eve) == ["Taken"]


async def test_there_is_a_last_view_and_no_empty_one(ctx: AppContext, eve: Actor) -> None:
    with pytest.raises(ValidationFailed):
        await save(ctx, eve, "Everything", "?")
    for n in range(saved_views.MOST_VIEWS):
        await save(ctx, eve, str(n))
    with pytest.raises(ValidationFailed, match="already have 20 views"):
        await save(ctx, eve, "one more")


async def test_columns_and_density_follow_the_person(ctx: AppContext, eve: Actor) -> None:
    assert await saved_views.look_of(ctx, actor=eve) == saved_views.Look(USUAL)
    for density in ("compact", "regular", "compact"):
        await saved_views.keep_look(ctx, actor=eve, columns=["age", "x"], density=density)
    live = replace(eve, environment=Environment.LIVE)
    kept = await saved_views.look_of(ctx, actor=live)
    assert kept == saved_views.Look(("pair", "age"), Density.COMPACT)
    with pytest.raises(ValidationFailed):
        await saved_views.keep_look(ctx, actor=eve, columns=[], density="huge")
