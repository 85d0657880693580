"""The operator's decisions: told, audited, and once."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from privata.core.errors import OrderNotFound, ValidationFailed
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.orders import service as orders
from privata.orders.store import lock_order
from privata.orders.tests.test_advance import states
from privata.providers.port import Report
from privata.refunds.review import decide, orders_in_review
from privata.refunds.tests.test_executing import needing

S = OrderStatus
HASH = "cd" * 32


async def in_review(ctx: AppContext, organization: uuid.UUID) -> str:
    order_id = await needing(ctx, organization)
    async with ctx.database.transaction() as tx:
        row = await lock_order(tx, order_id)
        assert row is not None
        await orders.enter(ctx, tx, row, Report(S.MANUAL_REVIEW), source=orders.BY_CLOCK)
    return order_id


@pytest.mark.parametrize(
    ("to", "more"),
    [
        (S.REFUNDED, {"tx_hash": HASH}),
        (S.COMPLETED, {"tx_hash": HASH}),
        (S.COMPLETED, {}),
        (S.FAILED, {"reason": FailedReason.KYT_BLOCK, "note": "Blocked by the provider."}),
        (S.FAILED, {}),
    ],
)
async def test_a_decision_is_told_and_audited(
    ctx: AppContext, organization: uuid.UUID, to: OrderStatus, more: dict[str, Any]
) -> None:
    order_id = await in_review(ctx, organization)
    (listed,) = await orders_in_review(ctx)
    assert (listed.id, listed.organization) == (order_id, "Acme Wallet")
    order = await decide(ctx, operator="ann", order_id=order_id, to=to, **more)
    assert (order["status"], order["tx_out_hash"]) == (to.value, more.get("tx_hash"))
    if to is S.FAILED:
        assert order["failed_reason_code"] == more.get("reason", FailedReason.UNKNOWN)
        assert order["failed_reason_message"] == more.get("note")
    assert (order["completed_at"] is not None) == (to is S.COMPLETED)
    assert (await states(ctx, order_id))[-2:] == ["manual_review", to.value]
    pool = ctx.database.pool
    body = json.loads(
        unpacked(await pool.fetchval("SELECT body FROM event ORDER BY seq DESC LIMIT 1"))
    )
    assert (body["event"], body["order"]) == (f"order.{to}", order)
    entry = await pool.fetchrow("SELECT * FROM audit_entry WHERE action = 'order.decided'")
    assert entry is not None
    assert (entry["actor_kind"], entry["actor_label"], entry["target"]) == (
        "operator", "ann", order_id,
    )  # fmt: skip
    assert await orders_in_review(ctx) == []


async def test_two_operators_at_once_decide_once(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await in_review(ctx, organization)
    decisions = [(S.FAILED, None), (S.REFUNDED, HASH)] * 3
    results = await asyncio.gather(
        *(
            decide(ctx, operator="ann", order_id=order_id, to=to, tx_hash=tx_hash)
            for to, tx_hash in decisions
        ),
        return_exceptions=True,
    )
    assert len([one for one in results if isinstance(one, dict)]) == 1
    assert all(isinstance(one, dict | ValidationFailed) for one in results)
    assert len(await states(ctx, order_id)) == 4


@pytest.mark.parametrize(
    ("to", "more", "word"),
    [
        (S.REFUNDED, {}, "transaction"),
        (S.FAILED, {"tx_hash": HASH}, "transaction"),
        (S.EXPIRED, {}, "one of"),
        (S.REFUNDED, {"tx_hash": "x" * 129}, "128"),
        (S.COMPLETED, {"reason": FailedReason.UNKNOWN}, "reason"),
        (S.FAILED, {"note": "a\nb"}, "one line"),
    ],
)
async def test_wrong_decisions_are_named(
    ctx: AppContext, organization: uuid.UUID, to: OrderStatus, more: dict[str, Any], word: str
) -> None:
    order_id = await in_review(ctx, organization)
    with pytest.raises(ValidationFailed, match=word):
        await decide(ctx, operator="ann", order_id=order_id, to=to, **more)
    assert (await states(ctx, order_id))[-1] == "manual_review"


async def test_only_an_order_in_review_is_decided(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await needing(ctx, organization)
    with pytest.raises(ValidationFailed, match="refund_required"):
        await decide(ctx, operator="ann", order_id=order_id, to=S.FAILED)
    with pytest.raises(OrderNotFound):
        await decide(ctx, operator="ann", order_id="prv-none", to=S.FAILED)
