"""What the database keeps of providers: read by one worker at a time, known to every node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from privata.core.errors import NoProvidersAvailable, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.sealing import Sealer
from privata.infra.secret_keys.resealing import reseal
from privata.infra.settings import Settings
from privata.providers.fakes.traps import Trap
from privata.providers.port import Asset, Credentials
from privata.providers.registry import canonical
from privata.routing import catalogue, refreshing, setting
from privata.routing.refreshing import refresh_due
from privata.routing.service import routing_of
from privata.routing.tests.market import KEY, Market

LIVE = Environment.LIVE


@pytest.fixture
async def market(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(ctx, monkeypatch)
    yield made
    await made.close()


def asset(ticker: str, network: str) -> Asset:
    found = canonical(ticker, network)
    assert found is not None
    return found


async def due_now(ctx: AppContext) -> None:
    await ctx.database.pool.execute("UPDATE provider SET refresh_at = now()")


async def test_a_node_that_has_just_started_answers_at_once(
    ctx: AppContext, market: Market, settings: Settings
) -> None:
    fake = await market.open("changenow")
    known = await catalogue.assets(ctx, LIVE)
    assert len(known) > 10
    fake.trap = Trap.HANGING
    assert settings.database_url is not None
    other = await AppContext.open(settings, settings.database_url)
    try:
        async with asyncio.timeout(5):
            assert await catalogue.assets(other, LIVE) == known
            pairs = await catalogue.pairs(other, LIVE)
            assert await routing_of(other).public_environment() is LIVE
        assert len(pairs) == len(known) * (len(known) - 1)
    finally:
        await other.close()


async def test_workers_together_read_each_provider_once(ctx: AppContext, market: Market) -> None:
    fakes = [await market.open(name) for name in ("changenow", "exolix")]
    await due_now(ctx)
    done = await asyncio.gather(*(refresh_due(ctx) for _ in range(4)))
    assert sum(done) == 2
    for fake in fakes:
        assert len(fake.calls("currencies")) == 1
        assert len(fake.calls("limits")) == refreshing.PAIRS_A_ROUND
    assert await refresh_due(ctx) == 0


async def test_rounds_walk_through_all_pairs(ctx: AppContext, market: Market) -> None:
    fake = await market.open("changenow")
    await due_now(ctx)
    await refresh_due(ctx)
    asked = {tuple(sorted(one.query.items())) for one in fake.calls("limits")}
    count = await ctx.database.pool.fetchval("SELECT count(*) FROM provider_limit")
    assert len(asked) == refreshing.PAIRS_A_ROUND
    assert count == 2 * refreshing.PAIRS_A_ROUND


async def test_limits_of_a_pair_are_asked_for_once(ctx: AppContext, market: Market) -> None:
    fake = await market.open("changenow")
    # Not among those that the first round has asked for.
    pair = (asset("XMR", "XMR"), asset("XRP", "XRP"))
    first = await catalogue.limits(ctx, LIVE, *pair)
    assert len(first) == 1
    fake.trap = Trap.HANGING
    assert await catalogue.limits(ctx, LIVE, *pair) == first
    fake.trap = Trap.SERVER_ERROR
    with pytest.raises(NoProvidersAvailable):
        await catalogue.limits(ctx, LIVE, pair[1], pair[0])


async def test_limits_that_are_none_hold_up_no_other_provider(
    ctx: AppContext, market: Market
) -> None:
    """The database refused them, and with that the worker's round for all providers ended."""
    liar = await market.open("changenow")
    other = await market.open("exolix")
    for fake in (liar, other):
        fake.seen.clear()
    liar.changed = {"limits": {"minAmount": b"10", "maxAmount": b"1"}}
    await due_now(ctx)
    assert await refresh_due(ctx) == 2
    assert len(liar.calls("limits")) == refreshing.PAIRS_A_ROUND
    assert len(other.calls("limits")) == refreshing.PAIRS_A_ROUND
    # Nor does the question of a partner end with an error of ours.
    pair = (asset("XMR", "XMR"), asset("XRP", "XRP"))
    assert len(await catalogue.limits(ctx, LIVE, *pair)) == 1


async def test_a_provider_that_fails_keeps_its_list(ctx: AppContext, market: Market) -> None:
    fake = await market.open("changenow")
    fake.trap = Trap.HTML
    await due_now(ctx)
    assert await refresh_due(ctx) == 1
    (shown,) = [one for one in await setting.providers(ctx) if one.name == "changenow"]
    assert (shown.refresh_fault, shown.assets) == (
        "not_json",
        len(await catalogue.assets(ctx, LIVE)),
    )
    assert shown.assets


async def test_new_settings_count_without_a_restart(ctx: AppContext, market: Market) -> None:
    first = await market.open("changenow")
    second = type(first)()
    url = await second.start()
    try:
        await setting.enable(ctx, "changenow", changes_url=True, base_url=url)
        provider = await routing_of(ctx).provider(LIVE, "changenow")
        first.seen.clear()
        await provider.currencies()
        assert second.calls("currencies")
        assert not first.seen
    finally:
        await second.stop()
    await setting.disable(ctx, "changenow")
    assert await routing_of(ctx).enabled(LIVE) == ()
    assert await routing_of(ctx).provider(LIVE, "changenow") is provider


async def test_credentials_that_do_not_open_here_cost_one_provider(
    ctx: AppContext, market: Market
) -> None:
    await market.open("changenow")
    await market.open("exolix")
    stranger = replace(ctx, sealer=Sealer([b"x" * 32]))
    await setting.set_credentials(stranger, "exolix", Credentials(key="k"))
    assert [one.name for one in await routing_of(ctx).enabled(LIVE)] == ["changenow"]


async def test_credentials_are_sealed_anew_with_the_rest(ctx: AppContext, market: Market) -> None:
    await market.open("changenow")
    sealer = Sealer([b"n" * 32, *ctx.settings.key_material()])
    done = {one.table: one.done for one in await reseal(ctx.database.pool, sealer, print)}
    assert done["provider"] == 1
    sealed = await ctx.database.pool.fetchval("SELECT credentials FROM provider")
    assert KEY.encode() in Sealer([b"n" * 32]).unseal(sealed, "provider_credentials:changenow")


@pytest.mark.parametrize(
    "url", ["http://exchange.example", "ftp://x", "https://user:pw@x.example/", "https://x/?a=b"]
)
async def test_an_address_that_is_not_safe_is_refused(ctx: AppContext, url: str) -> None:
    await setting.set_credentials(ctx, "changenow", Credentials(key="k"))
    with pytest.raises(ValidationFailed):
        await setting.enable(ctx, "changenow", changes_url=True, base_url=url)


async def test_nothing_is_enabled_without_credentials(ctx: AppContext) -> None:
    with pytest.raises(ValidationFailed):
        await setting.enable(ctx, "changenow")
    with pytest.raises(ValidationFailed):
        await setting.set_credentials(ctx, "simulator", Credentials(key="k"))
