"""Whom a key acts for, and its organization's orders over the API."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from privata.apikeys.scopes import Scope
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.ledger.tests.books import earn, give
from privata.orders import service as orders
from privata.orders.following.poller import follow_once
from privata.orders.list.schemas import CHANGES_OVERLAP_MINUTES
from privata.orders.store import lock_order
from privata.providers.port import Report
from tests.conftest import Partner, mint

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "orders.md"


async def listed(partner: Partner, key: str = "", **query: Any) -> list[str]:
    answer = await partner.get("/me/orders", key=key, **query)
    assert answer.status_code == 200, answer.text
    return [order["order_id"] for order in answer.json()["orders"]]


async def test_a_key_learns_whom_it_acts_for(partner: Partner) -> None:
    answer = await partner.get("/me")
    assert answer.status_code == 200, answer.text
    me = answer.json()
    assert me["organization"] == {
        "id": str(partner.organization_id),
        "name": "Acme Wallet",
        "status": "approved",
    }
    assert (me["environment"], me["plan"]) == ("test", "trial")
    assert me["key"]["scopes"] == ["orders:rw"]
    assert partner.test_key.startswith(me["key"]["prefix"])
    assert me["key"]["prefix"] != partner.test_key
    assert me["limits"] == {
        "reads_per_minute": 600,
        "writes_per_minute": 60,
        "offers_per_minute": 10,
        "streams": 50,
    }
    assert "balance" not in answer.text


async def test_balances_are_for_keys_that_may_read_payouts(
    partner: Partner, ctx: AppContext
) -> None:
    live = await mint(ctx, partner.organization_id, Environment.LIVE, Scope.PAYOUTS_READ)
    test = await mint(ctx, partner.organization_id, Environment.TEST, Scope.PAYOUTS_READ)
    none = dict.fromkeys(("pending", "available", "payout_in_flight", "paid"), "0.00")
    answer = await partner.get("/me", key=live)
    assert answer.json()["balances"] == {"currency": "USD", **none}, answer.text
    # What is granted to the sandbox, whatever the organization earns.
    granted = {"currency": "USD", **none, "available": "100000.00"}
    assert (await partner.get("/me", key=test)).json()["balances"] == granted
    await earn(ctx, partner.organization_id, "6520.4999", markup_bps=30)
    balances = (await partner.get("/me", key=live)).json()["balances"]
    # 32.6024995 inside; nobody is shown a cent that cannot be had.
    assert balances == {"currency": "USD", **none, "available": "32.60"}
    await give(ctx, partner.organization_id, "499.9999")
    balances = (await partner.get("/me", key=live)).json()["balances"]
    assert balances["available"] == "532.60"
    assert (await partner.get("/me", key=test)).json()["balances"] == granted
    for key in (partner.live_key, partner.test_key):
        assert "balances" not in (await partner.get("/me", key=key)).json()


async def test_the_cap_of_streams_is_the_plans_or_the_contracts(
    partner: Partner, ctx: AppContext
) -> None:
    async def streams(key: str) -> int:
        limits = (await partner.get("/me", key=key)).json()["limits"]
        return int(limits["streams"])

    pool = ctx.database.pool
    await pool.execute("UPDATE organization SET plan = 'scale'")
    assert (await streams(partner.live_key), await streams(partner.test_key)) == (1500, 50)
    await pool.execute("UPDATE organization SET live_streams = 7")
    assert await streams(partner.live_key) == 7


async def test_a_publishable_key_learns_nothing(partner: Partner, ctx: AppContext) -> None:
    for scope, statuses in (
        (Scope.RAMP_EMBED, (403, 403)),
        (Scope.WEBHOOK_ADMIN, (200, 403)),
    ):
        key = await mint(ctx, partner.organization_id, Environment.LIVE, scope)
        got = [(await partner.get(path, key=key)).status_code for path in ("/me", "/me/orders")]
        assert tuple(got) == statuses
    assert (await partner.get("/me", key=None)).status_code == 401


async def test_orders_are_those_of_the_single_route(partner: Partner, ctx: AppContext) -> None:
    made = (await partner.create(sandbox_scenario="success", sandbox_ttl=0)).json()
    while await follow_once(ctx):
        pass
    (order,) = (await partner.get("/me/orders")).json()["orders"]
    assert order == (await partner.get(f"/order/{made['order_id']}")).json()
    assert [entry["status"] for entry in order["timeline"]][-1] == "completed"
    assert "refund_address" not in order


async def test_pages_lead_to_the_end(partner: Partner) -> None:
    made = [(await partner.create(partner_order_ref=f"r{n}")).json()["order_id"] for n in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for expected in (2, 2, 1):
        answer = (await partner.get("/me/orders", limit="2", **cursor)).json()
        assert len(answer["orders"]) == expected
        seen += [order["order_id"] for order in answer["orders"]]
        cursor = {"cursor": answer["next_cursor"]}
    assert cursor == {"cursor": None}
    assert seen == made[::-1]


async def test_filters_narrow(partner: Partner) -> None:
    stuck = (await partner.create(partner_order_ref="mine", sandbox_scenario="stuck")).json()
    quote = await partner.quote(**{"from": "ETH", "to": "BTC", "amount": "3"})
    other = await partner.create(
        quote_id=quote["quote_id"], address="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    )
    other_id = other.json()["order_id"]
    stuck_id = stuck["order_id"]
    assert await listed(partner) == [other_id, stuck_id]
    for query in (
        {"q": "mine"},
        {"q": stuck_id},
        {"q": stuck["deposit_address"]},
        {"from": "btc", "to": "ETH"},
        {"from": "BTC", "from_network": "BTC", "status": "waiting_deposit,expired"},
        {"provider": "simulator,exolix", "to": "eth", "rate_type": "float", "span": "24h"},
    ):
        assert await listed(partner, **query) == [stuck_id], query
    for query in (
        {"refund": "needed"},
        {"status": "completed"},
        {"until": "2020-01-01"},
        {"usd_min": "99999999"},
        {"q": "not-there"},
    ):
        assert await listed(partner, **query) == [], query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "!"}, "cursor"),
        ({"status": "completed,lost"}, "status"),
        ({"provider": "../etc"}, "provider"),
        ({"from": "B T C"}, "from"),
        ({"from_network": "TRC20"}, "from_network"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-21T10:00:00"}, "since"),
        ({"since": "2026-11-21", "until": "2026-11-20"}, "until"),
        ({"usd_min": "1e9"}, "usd_min"),
        ({"usd_min": "5", "usd_max": "4"}, "usd_max"),
        ({"refund": "perhaps"}, "refund"),
        ({"rate_type": "best"}, "rate_type"),
        ({"span": "1y"}, "span"),
        ({"order_by": "id"}, "order_by"),
    ],
)
async def test_a_wrong_parameter_is_named(
    partner: Partner, query: dict[str, str], field: str
) -> None:
    answer = await partner.get("/me/orders", **query)
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert [one["field"] for one in error["fields"]] == [field]


async def test_orders_of_others_are_not_there(partner: Partner, ctx: AppContext) -> None:
    mine = (await partner.create(partner_order_ref="shared")).json()["order_id"]
    stranger = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', 'approved')", stranger
    )
    theirs = await mint(ctx, stranger, Environment.TEST)
    for query in ({}, {"q": mine}, {"q": "shared"}):
        assert await listed(partner, **query) == [mine]
        assert await listed(partner, theirs, **query) == []
        assert await listed(partner, partner.live_key, **query) == []


async def test_what_has_changed_since_a_moment_is_found_on_every_page(
    partner: Partner, ctx: AppContext
) -> None:
    """Who keeps a copy had to read every order again: filters knew only when one was made."""
    made = [(await partner.create(partner_order_ref=f"r{n}")).json()["order_id"] for n in range(4)]
    await ctx.database.pool.execute("UPDATE orders SET updated_at = now() - interval '1 day'")
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert await listed(partner, updated_after=before) == []
    for order_id in (made[0], made[2], made[3]):
        report = Report(OrderStatus.CONFIRMING)
        await orders.advance(ctx, order_id=order_id, report=report)
    first = (await partner.get("/me/orders", updated_after=before, limit="2")).json()
    assert [one["order_id"] for one in first["orders"]] == [made[3], made[2]]
    # A change behind the page moves nothing: pages go by when an order was made.
    for order_id in (made[3], made[1]):
        await orders.advance(ctx, order_id=order_id, report=Report(OrderStatus.SENDING))
    rest = await partner.get("/me/orders", updated_after=before, cursor=first["next_cursor"])
    assert [one["order_id"] for one in rest.json()["orders"]] == [made[1], made[0]]
    assert await listed(partner, updated_after=before, status="sending") == [made[3], made[1]]


async def test_a_change_that_showed_after_a_poll_is_in_the_next_one(
    partner: Partner, ctx: AppContext
) -> None:
    """The guide said to ask from the time of the poll before: such a change was lost for good."""
    order_id = (await partner.create()).json()["order_id"]
    await ctx.database.pool.execute("UPDATE orders SET updated_at = now() - interval '1 day'")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    async with ctx.database.transaction() as tx:
        row = await lock_order(tx, order_id)
        assert row is not None
        report = Report(OrderStatus.REFUND_REQUIRED)
        await orders.enter(ctx, tx, row, report, source=orders.BY_PROVIDER)
        noted = datetime.now(UTC)
        assert await listed(partner, updated_after=hour_ago.isoformat()) == []
    assert await listed(partner, updated_after=noted.isoformat()) == [], "why the guide goes back"
    said = re.search(r"(\d+) minutes before the time you noted", GUIDE.read_text())
    assert said, "the guide has to say how far a poll goes back"
    assert int(said.group(1)) == CHANGES_OVERLAP_MINUTES
    again = noted - timedelta(minutes=CHANGES_OVERLAP_MINUTES)
    assert await listed(partner, updated_after=again.isoformat()) == [order_id]
