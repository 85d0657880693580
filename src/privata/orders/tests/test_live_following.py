"""Many live orders, two workers, and an exchange that hangs."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from conftest import wait_for
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.orders.following import outages
from privata.orders.following.outages import MANY
from privata.orders.following.poller import MOST_AT_ONCE, follow_orders
from privata.orders.tests.test_live_orders import order_of, quote_of
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.fakes.traps import Trap
from privata.routing.outages import note_down, note_up
from privata.routing.tests.market import Market

#: Two workers could not hold all of them at once.
HANGING = 2 * MOST_AT_ONCE + 40
ANSWERING = 40

_COLUMNS = """environment, from_asset, from_network, from_decimals, to_asset, to_network,
    to_decimals, amount_from, amount_to_expected, rate_type, deposit_address, payout_address,
    expires_at"""

# An hour old: asked about once a minute, so that nothing is due again while the test runs.
_COPIES = f"""
INSERT INTO orders (id, organization_id, provider, provider_order_id, poll_at, created_at,
                    {_COLUMNS})
SELECT 'prv-' || gen_random_uuid(), organization_id, $1::text, $1::text || '-' || n,
       now() - make_interval(secs => $3), now() - interval '1 hour', {_COLUMNS}
FROM orders, generate_series(1, $2::int) AS n WHERE id = $4
"""

# Orders that somebody asks about: under a lease, and not given back for a moment.
_HELD = """
SELECT count(*) FROM orders WHERE provider = 'exolix' AND poll_at > now() + interval '10 seconds'
"""


@pytest.fixture
async def market(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(ctx, monkeypatch)
    yield made
    await made.close()


def known(fake: FakeChangeNow, name: str, count: int) -> None:
    """Let the exchange know the copies of its order."""
    (order,) = fake.book.values()
    for n in range(1, count + 1):
        fake.book[f"{name}-{n}"] = replace(order, id=f"{name}-{n}")


@pytest.mark.parametrize(("made", "told"), [(MANY - 1, 0), (MANY, 1)])
async def test_who_used_an_exchange_much_of_late_is_told_of_its_outage(
    ctx: AppContext, market: Market, organization: uuid.UUID, made: int, told: int
) -> None:
    """All of its orders there have ended, and the next ones would not be made (SPEC 13)."""
    await market.open("changenow")
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    pool = ctx.database.pool
    await pool.execute(_COPIES, "changenow", made, 60.0, order["order_id"])
    # The copies have ids of no moment; what was made long ago counts for nothing.
    await pool.execute("UPDATE orders SET poll_at = NULL")
    await pool.execute(
        "UPDATE orders SET id = 'prv-ffffffff-' || substr(id, 14) WHERE id <> $1", order["order_id"]
    )
    await note_down(ctx, "changenow", "timeout")
    while await outages.tell_once(ctx):
        pass
    count = "SELECT count(*) FROM event WHERE channel = 'ops'"
    assert await pool.fetchval(count) == told
    await pool.execute("UPDATE orders SET created_at = created_at - interval '24 hours'")
    await note_up(ctx, "changenow")
    await pool.execute("UPDATE provider_outage SET ended_at = ended_at - interval '6 minutes'")
    await note_down(ctx, "changenow", "timeout")
    while await outages.tell_once(ctx):
        pass
    assert await pool.fetchval(count) == told


async def test_an_exchange_that_hangs_holds_up_no_other_and_no_order_is_asked_about_twice(
    ctx: AppContext, settings: Settings, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    known(fake, "changenow", ANSWERING)
    hanging = await market.open("exolix")
    pool = ctx.database.pool
    await pool.execute(_COPIES, "exolix", HANGING, 600.0, order["order_id"])
    await pool.execute(_COPIES, "changenow", ANSWERING, 60.0, order["order_id"])
    await pool.execute("UPDATE orders SET poll_at = NULL WHERE id = $1", order["order_id"])
    hanging.trap = Trap.HANGING
    fake.seen.clear()
    hanging.seen.clear()

    def asked(one: FakeChangeNow) -> Counter[str]:
        return Counter(seen.query["id"] for seen in one.calls("status"))

    async def all_asked() -> bool:
        left = await pool.fetchval(
            "SELECT count(*) FROM orders WHERE provider = 'changenow' AND poll_at <= now()"
        )
        return len(asked(fake)) == ANSWERING and left == 0

    assert settings.database_url is not None
    other = await AppContext.open(settings, settings.database_url)
    workers = [asyncio.create_task(follow_orders(one)) for one in (ctx, other)]
    try:
        await wait_for(all_asked, seconds=60)
        held = await pool.fetchval(_HELD)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await other.close()
    assert set(asked(fake).values()) == {1}
    # Each worker had its places for the one that hangs, and no more.
    assert held < MOST_AT_ONCE
