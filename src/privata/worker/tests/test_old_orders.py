"""Orders and events past their time: archived whole, removed, or kept where they are needed."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from privata.core.ids import new_order_id
from privata.events.tests.months import back_in, begin_with, first_of, months_before, now_again
from privata.infra.context import AppContext
from privata.orders import retention
from privata.payouts.tests.making import with_settings
from privata.webhooks.tests.deliveries import GIVE_UP, endpoint, publish_order
from privata.worker import old_orders

ORDER = """
INSERT INTO orders (id, organization_id, environment, quote_id, provider, provider_order_id,
    from_asset, from_network, from_decimals, to_asset, to_network, to_decimals, amount_from,
    amount_to_expected, rate_type, deposit_address, payout_address, sandbox_scenario, status,
    expires_at, created_at)
VALUES ($1::text, $2, 'test', right($1::text, 30), 'simulator', right($1::text, 30), 'BTC', 'BTC',
        8, 'ETH', 'ETH', 8, 1, 2, 'float', 'd', 'p', 'success', $4, $3, $3)
"""
TIMELINE = """
INSERT INTO order_timeline (organization_id, order_id, seq, status, at, source)
VALUES ($1, $2, 1, 'waiting_deposit', $3, 'api')
"""
REFUND = """
INSERT INTO refund (order_id, organization_id, environment, action, to_address, state, source,
                    requested_by, due_at, finished_at)
VALUES ($1, $2, 'test', 'return_to_refund_address', '0xback', $3::text, 'api', 'x',
        CASE WHEN $3::text <> 'done' THEN now() END,
        CASE WHEN $3::text = 'done' THEN now() END)
"""
HOLD = (
    "INSERT INTO ledger_hold (order_id, organization_id, amount, due_at) VALUES ($1, $2, 1, now())"
)


class Old:
    """Orders of 20 months ago, each with an event."""

    def __init__(
        self, ctx: AppContext, owner: asyncpg.Connection, organization: UUID, folder: Path
    ) -> None:
        self.ctx = with_settings(ctx, order_archive=folder)
        self.owner, self.organization, self.folder = owner, organization, folder
        self.at: datetime = months_before(ctx.clock.now(), 20)
        self.month = first_of(self.at)

    async def order(self, status: str = "expired", refund: str | None = None) -> str:
        order_id, pool = new_order_id(self.at), self.ctx.database.pool
        await pool.execute(ORDER, order_id, self.organization, self.at, status)
        await pool.execute(TIMELINE, self.organization, order_id, self.at)
        if refund is not None:
            await pool.execute(REFUND, order_id, self.organization, refund)
        await back_in(self.owner, self.at)
        await self.owner.execute("SELECT setval('event_seq_seq', max(seq)) FROM event")
        await publish_order(self.ctx, self.organization, order_id=order_id)
        await now_again(self.ctx, self.owner, self.at)
        return order_id

    async def left(self) -> set[str]:
        return {row[0] for row in await self.ctx.database.pool.fetch("SELECT id FROM orders")}

    async def events(self) -> int:
        found: int = await self.ctx.database.pool.fetchval("SELECT count(*) FROM event")
        return found

    def archived(self) -> list[dict[str, Any]]:
        files = sorted(self.folder.iterdir())
        return [
            json.loads(line) for one in files for line in gzip.open(one, "rt", encoding="utf-8")
        ]


@pytest.fixture
async def old(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection, tmp_path: Path
) -> Old:
    folder = tmp_path / "archive"
    folder.mkdir()
    made = Old(ctx, owner, organization, folder)
    await begin_with(owner, made.month)
    return made


async def test_old_orders_are_archived_whole_and_their_month_of_events_goes(old: Old) -> None:
    await endpoint(old.ctx, old.organization)
    over, refunded = await old.order(), await old.order("refunded", refund="done")
    young = await publish_order(old.ctx, old.organization)
    await old.ctx.database.pool.execute(GIVE_UP.format(where="order_id <> $1", attempts="1"), young)
    await old_orders.keep_once(old.ctx)
    assert await old.left() == set()
    assert await old.events() == 1
    assert await old.ctx.database.pool.fetchval("SELECT count(*) FROM webhook_delivery") == 0
    assert await old.ctx.database.pool.fetchval("SELECT count(*) FROM webhook_due") == 1
    for table in ("order_timeline", "refund"):
        assert await old.ctx.database.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    found = {line["order"]["id"]: line for line in old.archived()}
    assert set(found) == {over, refunded}
    assert found[over]["refund"] is None
    assert found[over]["timeline"][0]["status"] == "waiting_deposit"
    assert found[refunded]["refund"]["to_address"] == "0xback"
    (file,) = old.folder.iterdir()
    assert file.name.startswith(f"orders-{old.month:%Y-%m}-prv-")
    assert file.stat().st_mode & 0o077 == 0
    # Nothing is left to do, and nothing is written.
    await old_orders.keep_once(old.ctx)
    assert list(old.folder.iterdir()) == [file]


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("open", "not over"),
        ("late", "not over"),
        ("refund", "its refund is not over"),
        ("hold", "its earning is on hold"),
        ("delivery", "an endpoint waits for its webhooks"),
    ],
)
async def test_what_is_still_needed_is_kept_and_the_log_says_why(
    old: Old, caplog: pytest.LogCaptureFixture, why: str, reason: str
) -> None:
    pool = old.ctx.database.pool
    await old.order()
    if why == "delivery":
        await endpoint(old.ctx, old.organization)
    needed = await old.order(
        "manual_review" if why == "open" else "expired",
        refund="processing" if why == "refund" else None,
    )
    if why == "hold":
        await pool.execute(HOLD, needed, old.organization)
    if why == "late":
        await pool.execute(
            "UPDATE orders SET late_state = 'seen', late_seen_at = now() WHERE id = $1", needed
        )
    with caplog.at_level(logging.WARNING):
        await old_orders.keep_once(old.ctx)
    assert await old.left() == {needed}
    assert f"1 order past their time kept: {reason}" in caplog.text
    assert f"events of {old.month:%Y-%m} are kept: 1 order left from up to then" in caplog.text
    assert await old.events() == 2
    assert [line["order"]["id"] == needed for line in old.archived()] == [False]


async def test_a_month_of_which_a_delivery_waits_is_kept(
    old: Old, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an event that is about no order."""
    await endpoint(old.ctx, old.organization)
    await old.order()
    await old.ctx.database.pool.execute("UPDATE webhook_due SET order_id = NULL")
    with caplog.at_level(logging.WARNING):
        await old_orders.keep_once(old.ctx)
    assert await old.left() == set()
    assert await old.events() == 1
    assert f"events of {old.month:%Y-%m} are kept: 1 delivery still waiting" in caplog.text


async def test_without_an_archive_nothing_is_removed(
    old: Old, caplog: pytest.LogCaptureFixture
) -> None:
    await old.order()
    await old_orders.keep_once(with_settings(old.ctx, order_archive=None))
    with caplog.at_level(logging.WARNING):
        await old_orders.keep_once(with_settings(old.ctx, order_archive=old.folder / "missing"))
    assert "cannot be written: No such file or directory" in caplog.text
    assert len(await old.left()) == await old.events() == 1


async def test_two_workers_archive_each_order_once(old: Old) -> None:
    made = {await old.order() for _ in range(3)}
    async with old.ctx.database.transaction() as tx:
        held = await retention.old_orders(tx, after="", before=old.ctx.clock.now(), limit=1)
        await old_orders.keep_once(old.ctx)
        assert await old.left() == {held[0].id}
    await old_orders.keep_once(old.ctx)
    assert await old.left() == set()
    assert sorted(line["order"]["id"] for line in old.archived()) == sorted(made)
