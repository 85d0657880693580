"""Refund actions that are refused: each says why, names its field, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ADDRESSES, Partner
from tests.journeys.partner.refunds import (
    OTHER_BTC,
    RETURN,
    act,
    end_window_now,
    needing,
    order_of,
    refused,
)


async def test_an_order_that_needed_no_refund_has_none(partner: Partner) -> None:
    made = (await partner.create(sandbox_scenario="stuck")).json()
    assert made["refund"] is None
    path = f"/order/{made['order_id']}/refund"
    error = refused(await partner.get(path), 409, "REFUND_NOT_REQUIRED")
    assert error["status"] == "waiting_deposit"
    refused(await partner.get(path, key=partner.live_key), 404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 422, "VALIDATION_ERROR", "refund_to_address"),
        ({"refund_to_address": False}, 422, "VALIDATION_ERROR", "refund_to_address"),
        ({**RETURN, "convert_to_stable": True}, 422, "VALIDATION_ERROR", "convert_to_stable"),
        ({**RETURN, "stable_target": "USDT-TRC20"}, 422, "VALIDATION_ERROR", "stable_target"),
        (
            {"refund_to_address": True, "refund_extra_id": "1"},
            422,
            "VALIDATION_ERROR",
            "refund_extra_id",
        ),
        ({"refund_to_adress": "x"}, 422, "VALIDATION_ERROR", "refund_to_adress"),
        ({"convert_to_stable": True}, 400, "STABLE_TARGET_REQUIRED", "stable_target"),
        (
            {"convert_to_stable": True, "stable_target": "DAI-ERC20"},
            422,
            "VALIDATION_ERROR",
            "stable_target",
        ),
        (
            {"convert_to_stable": True, "stable_target": "USDT-TRC20"},
            422,
            "VALIDATION_ERROR",
            "address",
        ),
        (
            {"convert_to_stable": True, "stable_target": "USDT-TRC20", "address": OTHER_BTC},
            400,
            "INVALID_ADDRESS",
            "address",
        ),
        ({"refund_to_address": OTHER_BTC[:-1] + "3"}, 400, "INVALID_ADDRESS", "refund_to_address"),
        ({"refund_to_address": ADDRESSES["ETH"]}, 400, "INVALID_ADDRESS", "refund_to_address"),
        ({**RETURN, "refund_extra_id": "1"}, 400, "INVALID_ADDRESS", "refund_extra_id"),
        ({"refund_to_address": True}, 422, "VALIDATION_ERROR", "refund_to_address"),
    ],
)
async def test_wrong_actions_name_their_field_and_change_nothing(
    partner: Partner, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    order_id = await needing(partner)
    path = f"/order/{order_id}/refund-action"
    error = refused(await partner.post(path, body), status, code)
    assert field in [one["field"].split(".")[0] for one in error["fields"]], error
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM refund") == 0


async def test_orders_that_need_none_say_so(partner: Partner) -> None:
    made = await partner.create(sandbox_scenario="stuck")
    error = refused(await act(partner, made.json()["order_id"]), 409, "REFUND_NOT_REQUIRED")
    assert error["status"] == "waiting_deposit"


@pytest.mark.parametrize(("capability", "hours"), [("ticket", 48), ("none", None)])
async def test_what_happens_where_refunds_are_not_programmatic(
    partner: Partner, capability: str, hours: int | None
) -> None:
    order_id = await needing(partner)
    pool = partner.ctx.database.pool
    await pool.execute(
        "UPDATE orders SET refund_capability = $1, refund_sla_hours = $2", capability, hours
    )
    error = refused(await act(partner, order_id), 409, "REFUND_NOT_PROGRAMMATIC")
    assert error["refund_capability"] == capability
    assert error.get("refund_sla_hours") == hours
    await end_window_now(partner)
    assert (await order_of(partner, order_id))["status"] == "manual_review"
    refused(await act(partner, order_id), 409, "REFUND_NOT_PROGRAMMATIC")


async def test_a_window_that_has_ended_refuses_before_the_clock_comes(partner: Partner) -> None:
    order_id = await needing(partner)
    await partner.ctx.database.pool.execute(
        "UPDATE order_timeline SET at = at - interval '24 hours' WHERE status = 'refund_required'"
    )
    refused(await act(partner, order_id), 409, "REFUND_WINDOW_EXPIRED")


async def test_strangers_and_the_other_environment_see_no_order(partner: Partner) -> None:
    order_id = await needing(partner)
    missing = "prv-00000000-0000-4000-8000-000000000000"
    for answer in (
        await act(partner, order_id, key=partner.live_key),
        await act(partner, missing),
        await act(partner, "nonsense"),
    ):
        refused(answer, 404, "ORDER_NOT_FOUND")
