"""Refund actions over the API: each outcome, and never twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.refunds.clock import end_windows_once
from tests.conftest import ADDRESSES, Partner
from tests.journeys.partner.refunds import (
    OTHER_BTC,
    RETURN,
    TRON,
    act,
    end_window_now,
    needing,
    order_of,
    refused,
    settle,
    types,
)


@pytest.mark.parametrize(
    ("body", "action", "target"),
    [
        (RETURN, "return_to_refund_address", None),
        ({"refund_to_address": True}, "return_to_refund_address", None),
        (
            {"convert_to_stable": True, "stable_target": "USDT-TRC20", "address": TRON},
            "convert_to_stable",
            "USDT-TRC20",
        ),
        (
            {"convert_to_stable": True, "stable_target": "USDC-ERC20"},
            "convert_to_stable",
            "USDC-ERC20",
        ),
    ],
)
async def test_an_action_refunds_the_order(
    partner: Partner, body: dict[str, Any], action: str, target: str | None
) -> None:
    order_id = await needing(partner, refund_address=ADDRESSES["BTC"])
    answer = await act(partner, order_id, body)
    assert answer.status_code == 200, answer.text
    refund = answer.json()
    assert (refund["action"], refund["stable_target"]) == (action, target)
    assert (refund["state"], refund["status"], refund["source"]) == (
        "requested", "refund_required", "api",
    )  # fmt: skip
    await settle(partner.ctx)
    order = await order_of(partner, order_id)
    assert order["status"] == "refunded"
    assert len(order["tx_out_hash"]) == 64
    assert await types(partner, order_id) == [
        "waiting_deposit", "confirming", "refund_required", "refunded",
    ]  # fmt: skip
    again = await act(partner, order_id, body)
    assert again.status_code == 200
    done = again.json()
    assert (done["state"], done["status"]) == ("done", "refunded")
    assert done["tx_out_hash"] == order["tx_out_hash"]


async def test_the_same_action_gets_the_same_answer_and_another_is_refused(
    partner: Partner,
) -> None:
    order_id = await needing(partner)
    first = await act(partner, order_id)
    again = await act(partner, order_id)
    assert first.json() == again.json()
    other = await act(partner, order_id, {"refund_to_address": ADDRESSES["BTC"]})
    error = refused(other, 409, "REFUND_NOT_REQUIRED")
    assert error["action"] == "return_to_refund_address"
    count = "SELECT count(*) FROM audit_entry WHERE action = 'refund.requested'"
    assert await partner.ctx.database.pool.fetchval(count) == 1


_NONE = ("action", "stable_target", "source", "requested_at", "finished_at", "failure")


async def test_how_the_refund_stands_can_be_read(partner: Partner) -> None:
    """Nothing but the answer of the one POST had told it, and the window's end was nowhere."""
    order_id = await needing(partner)
    path = f"/order/{order_id}/refund"
    waiting = (await order_of(partner, order_id))["refund"]
    entered = (await order_of(partner, order_id))["timeline"][-1]["at"]
    assert waiting.pop("window_ends_at") > entered
    assert waiting == {"state": "waiting"} | dict.fromkeys(_NONE)
    alone = (await partner.get(path)).json()
    assert (alone["order_id"], alone["status"]) == (order_id, "refund_required")
    assert (alone["state"], alone["tx_out_hash"]) == ("waiting", None)
    chosen = (await act(partner, order_id)).json()
    order = await order_of(partner, order_id)
    assert order["refund"].items() <= chosen.items()
    assert (await partner.get(path)).json() == chosen
    await settle(partner.ctx)
    order = await order_of(partner, order_id)
    assert (order["refund"]["state"], order["refund"]["failure"]) == ("done", None)
    assert order["refund"]["finished_at"] >= order["refund"]["requested_at"]
    done = (await partner.get(path)).json()
    assert (done["status"], done["tx_out_hash"]) == ("refunded", order["tx_out_hash"])
    assert OTHER_BTC not in json.dumps([order, done]), "where it went is in no answer"
    listed = (await partner.get("/me/orders")).json()["orders"]
    assert [one["refund"] for one in listed] == [order["refund"]]


async def test_events_carry_the_refund_as_it_was(partner: Partner) -> None:
    order_id = await needing(partner)
    await act(partner, order_id)
    await settle(partner.ctx)
    rows = await partner.ctx.database.pool.fetch(
        "SELECT type, body FROM event WHERE order_id = $1 ORDER BY order_seq", order_id
    )
    orders = {row["type"]: json.loads(unpacked(row["body"]))["order"] for row in rows}
    assert orders["order.confirming"]["refund"] is None
    assert orders["order.refund_required"]["refund"]["state"] == "waiting"
    assert orders["order.refunded"]["refund"]["state"] == "done"
    assert orders["order.refunded"] == await order_of(partner, order_id), "the same object"


async def test_an_idempotency_key_covers_the_action(partner: Partner) -> None:
    order_id = await needing(partner)
    key = {"Idempotency-Key": "refund-1"}
    wrong = await act(partner, order_id, {"refund_to_address": "1nonsense"}, headers=key)
    refused(wrong, 400, "INVALID_ADDRESS")
    first = await act(partner, order_id, headers=key)
    await settle(partner.ctx)
    again = await act(partner, order_id, headers=key)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    other = {"refund_to_address": ADDRESSES["BTC"]}
    refused(await act(partner, order_id, other, headers=key), 409, "IDEMPOTENCY_CONFLICT")


async def test_two_actions_at_once_one_wins(partner: Partner) -> None:
    order_id = await needing(partner)
    bodies = [{"refund_to_address": OTHER_BTC}, {"refund_to_address": ADDRESSES["BTC"]}] * 4
    answers = await asyncio.gather(*(act(partner, order_id, body) for body in bodies))
    won = [body for body, answer in zip(bodies, answers, strict=True) if answer.is_success]
    assert len(won) == 4
    assert len({json.dumps(body) for body in won}) == 1
    codes = {answer.json()["error"]["code"] for answer in answers if not answer.is_success}
    assert codes == {"REFUND_NOT_REQUIRED"}
    await settle(partner.ctx)
    assert (await types(partner, order_id)).count("refunded") == 1


async def test_an_action_and_the_end_of_the_window_at_once(partner: Partner) -> None:
    order_id = await needing(partner, refund_address=ADDRESSES["BTC"])
    pool = partner.ctx.database.pool
    await pool.execute("UPDATE orders SET poll_at = now()")
    await asyncio.gather(
        act(partner, order_id),
        end_windows_once(partner.ctx, Environment.TEST),
        end_windows_once(partner.ctx, Environment.TEST),
    )
    await settle(partner.ctx)
    assert await pool.fetchval("SELECT source FROM refund") == "api"
    assert (await types(partner, order_id)).count("refunded") == 1


@pytest.mark.parametrize(
    ("changes", "status", "action"),
    [
        ({"refund_address": ADDRESSES["BTC"]}, "refunded", "return_to_refund_address"),
        ({}, "manual_review", "manual_review"),
        (
            {
                "refund_preference": {
                    "default": "convert_to_stable",
                    "convert_to_stable_target": "USDT-ERC20",
                }
            },
            "refunded",
            "convert_to_stable",
        ),
        (
            {
                "refund_preference": {
                    "default": "convert_to_stable",
                    "convert_to_stable_target": "USDC-SOL",
                }
            },
            "manual_review",
            "manual_review",
        ),
        (
            {
                "refund_address": ADDRESSES["BTC"],
                "refund_preference": {"default": "manual_review"},
            },
            "manual_review",
            "manual_review",
        ),
    ],
)
async def test_the_preference_is_applied_when_the_window_ends(
    partner: Partner, changes: dict[str, Any], status: str, action: str
) -> None:
    order_id = await needing(partner, **changes)
    await end_window_now(partner)
    order = await order_of(partner, order_id)
    assert order["status"] == status
    assert (order["tx_out_hash"] is not None) == (status == "refunded")
    pool = partner.ctx.database.pool
    row = await pool.fetchrow("SELECT action, source FROM refund")
    assert row is not None
    assert tuple(row) == (action, "default")
    told = await pool.fetchval("SELECT count(*) FROM audit_entry WHERE action='refund.defaulted'")
    assert told == 1
    refused(await act(partner, order_id), 409, "REFUND_WINDOW_EXPIRED")


async def test_the_provider_refuses(partner: Partner) -> None:
    order_id = await needing(partner, amount="0.10403")
    assert (await act(partner, order_id)).is_success
    await settle(partner.ctx)
    order = await order_of(partner, order_id)
    assert (order["status"], order["tx_out_hash"]) == ("manual_review", None)
    refund = (await act(partner, order_id)).json()
    assert refund["state"] == "failed"
    assert "refuses" in refund["failure"]
    ops = "SELECT count(*) FROM event WHERE channel = 'ops'"
    assert await partner.ctx.database.pool.fetchval(ops) == 0


async def test_the_provider_goes_down_in_the_middle(partner: Partner) -> None:
    order_id = await needing(partner, amount="0.10503")
    assert (await act(partner, order_id)).is_success
    pool = partner.ctx.database.pool
    await settle(partner.ctx)
    assert (await order_of(partner, order_id))["status"] == "refund_required"
    await pool.execute(
        "UPDATE refund SET due_at = now(), silent_since = silent_since - interval '1 hour'"
    )
    await settle(partner.ctx)
    assert (await order_of(partner, order_id))["status"] == "manual_review"
    body = json.loads(unpacked(await pool.fetchval("SELECT body FROM event WHERE channel = 'ops'")))
    assert body["event"] == "provider_outage_affecting_partner"
    assert (body["provider"], body["order_id"]) == ("simulator", order_id)


async def test_a_refund_that_is_done_later(partner: Partner) -> None:
    order_id = await needing(partner, amount="0.10202")
    assert (await act(partner, order_id)).is_success
    await settle(partner.ctx)
    pool = partner.ctx.database.pool
    row = await pool.fetchrow("SELECT state, provider_reference FROM refund")
    assert row is not None
    assert row["state"] == "processing"
    assert row["provider_reference"].startswith("simref-")
    assert (await order_of(partner, order_id))["status"] == "refund_required"
    await pool.execute(
        "UPDATE refund SET due_at = now(), requested_at = requested_at - interval '1 minute'"
    )
    await settle(partner.ctx)
    assert (await order_of(partner, order_id))["status"] == "refunded"


async def test_no_answer_and_no_event_holds_a_refund_address(partner: Partner) -> None:
    order_id = await needing(partner, refund_address=ADDRESSES["BTC"])
    answer = await act(partner, order_id)
    await settle(partner.ctx)
    order = await partner.get(f"/order/{order_id}")
    rows = await partner.ctx.database.pool.fetch("SELECT body FROM event")
    audit = await partner.ctx.database.pool.fetch("SELECT changes::text FROM audit_entry")
    texts = [answer.text, order.text]
    texts += [unpacked(row["body"]).decode() for row in rows]
    texts += [str(row["changes"]) for row in audit]
    for text in texts:
        assert OTHER_BTC not in text
        assert ADDRESSES["BTC"] not in text


async def test_the_capability_of_each_provider(partner: Partner) -> None:
    answer = await partner.get("/providers/refund-capability", key=None)
    (one,) = answer.json()["providers"]
    assert one["provider"] == "simulator"
    assert (one["refund_capability"], one["refund_window_hours"]) == ("programmatic", 24)
    assert one["stable_targets"] == ["USDT-TRC20", "USDT-ERC20", "USDC-ERC20", "USDC-SOL"]
    live = await partner.get("/providers/refund-capability", key=partner.live_key)
    assert "simulator" not in [one["provider"] for one in live.json()["providers"]]
