"""A partner's first hour: quote, create, follow."""

from __future__ import annotations

import asyncio
import json

import pytest

from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.orders.following.poller import follow_once
from tests.conftest import ADDRESSES, Partner

PATHS = {
    "success": ["waiting_deposit", "confirming", "exchanging", "sending", "completed"],
    "fail": ["waiting_deposit", "failed"],
    "refund": ["waiting_deposit", "confirming", "refund_required"],
    "stuck": ["waiting_deposit", "confirming"],
    "expire": ["waiting_deposit", "expired"],
}


async def _follow(ctx: AppContext) -> None:
    while await follow_once(ctx):
        pass


async def test_health_needs_no_key_and_every_answer_has_a_request_id(partner: Partner) -> None:
    answer = await partner.get("/health", key=None)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["x-request-id"].startswith("req_")


async def test_quote_and_create_and_read_back(partner: Partner) -> None:
    quote = await partner.quote(markup_bps="50")
    assert (quote["from"], quote["to"], quote["sandbox"]) == ("BTC", "ETH", True)
    created = await partner.create(
        quote_id=quote["quote_id"], partner_order_ref="ref-1", refund_address=ADDRESSES["BTC"]
    )
    assert created.status_code == 201, created.text
    order = created.json()
    assert order["status"] == "waiting_deposit"
    assert order["amount_to_expected"] == quote["amount_to"]
    assert order["markup_bps"] == 50
    assert "refund_address" not in order
    read = await partner.get(f"/order/{order['order_id']}")
    assert read.json() == order


@pytest.mark.parametrize("scenario", PATHS)
async def test_each_scenario_drives_exactly_its_states(partner: Partner, scenario: str) -> None:
    created = (await partner.create(sandbox_scenario=scenario, sandbox_ttl=0)).json()
    await _follow(partner.ctx)
    order = (await partner.get(f"/order/{created['order_id']}")).json()
    assert [entry["status"] for entry in order["timeline"]] == PATHS[scenario]
    rows = await partner.ctx.database.pool.fetch("SELECT * FROM event ORDER BY seq")
    assert [row["type"] for row in rows] == [f"order.{status}" for status in PATHS[scenario]]
    assert [row["order_seq"] for row in rows] == list(range(1, len(rows) + 1))
    for row, status in zip(rows, PATHS[scenario], strict=True):
        body = json.loads(unpacked(row["body"]))
        assert body["event"] == row["type"]
        assert body["event_id"] == row["event_id"]
        assert body["sandbox"] is True
        assert body["order"]["status"] == status
        assert [entry["status"] for entry in body["order"]["timeline"]][-1] == status
    assert json.loads(unpacked(rows[-1]["body"]))["order"] == order
    if scenario == "fail":
        assert order["failed_reason_code"] == "provider_internal"
    if scenario == "success":
        assert order["tx_in_hash"]
        assert order["tx_out_hash"]
        assert order["amount_to_actual"]


async def test_the_same_quote_gives_the_same_sandbox_numbers(partner: Partner) -> None:
    one, other = await partner.quote(), await partner.quote()
    for field in ("amount_from", "amount_to", "rate", "usd_value"):
        assert one[field] == other[field]


async def test_idempotency_key_returns_the_same_order(partner: Partner) -> None:
    body = {"quote_id": (await partner.quote())["quote_id"], "address": ADDRESSES["ETH"]}
    key = {"Idempotency-Key": "one"}
    first = await partner.post("/order/create", body, headers=key)
    again = await partner.post("/order/create", body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = await partner.post("/order/create", body | {"extra_id": "7"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_twenty_creates_at_once_with_one_key_make_one_order(partner: Partner) -> None:
    body = {"quote_id": (await partner.quote())["quote_id"], "address": ADDRESSES["ETH"]}
    answers = await asyncio.gather(
        *(
            partner.post("/order/create", body, headers={"Idempotency-Key": "race"})
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_a_failed_create_frees_its_idempotency_key(partner: Partner) -> None:
    key = {"Idempotency-Key": "again"}
    quote_id = (await partner.quote())["quote_id"]
    wrong = await partner.post(
        "/order/create", {"quote_id": quote_id, "address": "0x12"}, headers=key
    )
    assert wrong.json()["error"]["code"] == "INVALID_ADDRESS"
    right = await partner.post(
        "/order/create", {"quote_id": quote_id, "address": ADDRESSES["ETH"]}, headers=key
    )
    assert right.status_code == 201


async def test_two_creates_race_for_one_quote(partner: Partner) -> None:
    quote_id = (await partner.quote())["quote_id"]
    answers = await asyncio.gather(*(partner.create(quote_id=quote_id) for _ in range(8)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [410] * 7


async def test_two_creates_race_for_one_reference(partner: Partner) -> None:
    quotes = [await partner.quote() for _ in range(6)]
    answers = await asyncio.gather(
        *(partner.create(quote_id=q["quote_id"], partner_order_ref="same") for q in quotes)
    )
    made = [answer.json()["order_id"] for answer in answers if answer.status_code == 201]
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 409]
    assert (len(made), len(refused)) == (1, 5)
    assert {error["code"] for error in refused} == {"DUPLICATE_ACTIVE_ORDER"}
    assert {error["order_id"] for error in refused} == set(made)


async def test_another_organizations_order_looks_like_a_missing_one(
    partner: Partner, ctx: AppContext
) -> None:
    order_id = (await partner.create()).json()["order_id"]
    live = await partner.get(f"/order/{order_id}", key=partner.live_key)
    missing = await partner.get("/order/prv-00000000-0000-4000-8000-000000000000")
    malformed = await partner.get("/order/what")
    bodies = []
    for answer in (live, missing, malformed):
        assert answer.status_code == 404
        error = answer.json()["error"]
        error.pop("request_id")
        bodies.append(error)
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["code"] == "ORDER_NOT_FOUND"


async def test_live_keys_never_reach_the_simulator(partner: Partner) -> None:
    answer = await partner.get(
        "/estimate", key=partner.live_key, **{"from": "BTC", "to": "ETH", "amount": "1"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "NO_PROVIDERS_AVAILABLE")
    assert Environment.LIVE.value == "live"
