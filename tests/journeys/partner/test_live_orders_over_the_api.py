"""A live key's orders: quoted, opened once whatever happens, and read back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from privata.core.lifecycle import OrderStatus
from privata.infra.http.idempotency import LOCK_S
from privata.orders.opening import opening
from privata.orders.service import advance
from privata.providers.port import Report
from privata.quotes import rules
from privata.routing.tests.market import KEY, Market
from tests.conftest import ADDRESSES, Partner

QUERY = {"from": "BTC", "to": "ETH", "to_network": "ETH", "amount": "0.1"}


@pytest.fixture
async def market(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(partner.ctx, monkeypatch)
    yield made
    await made.close()


async def wanted(partner: Partner) -> dict[str, Any]:
    quote = await partner.get("/estimate", key=partner.live_key, **QUERY)
    assert quote.status_code == 200, quote.text
    return {"quote_id": quote.json()["quote_id"], "address": ADDRESSES["ETH"]}


async def test_a_live_order_from_the_quote_to_the_deposit_address(
    partner: Partner, market: Market
) -> None:
    fake = await market.open("changenow", "0.010")
    await market.open("exolix", "0.020")
    offers = await partner.get("/estimate", key=partner.live_key, include="all", **QUERY)
    assert [one["provider"] for one in offers.json()["offers"]] == ["changenow", "exolix"]
    assert {one["sandbox"] for one in offers.json()["offers"]} == {False}
    keyless = await partner.get("/estimate", key=None, **QUERY)
    assert (keyless.json()["provider"], keyless.json()["sandbox"]) == ("changenow", False)
    body = await wanted(partner)
    answers = [
        await partner.post(
            "/order/create", body, key=partner.live_key, headers={"Idempotency-Key": "one"}
        )
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    order = answers[0].json()
    assert answers[1].json() == order
    assert order["deposit_address"] == fake.book[order["provider_order_id"]].deposit_address
    assert (order["sandbox"], order["refund_capability"]) == (False, "programmatic")
    assert len(fake.calls("create")) == 1
    read = await partner.get(f"/order/{order['order_id']}", key=partner.live_key)
    assert read.json() == order
    for answer in (*answers, read, offers):
        assert KEY not in answer.text


async def test_what_the_provider_of_a_live_order_can_do_about_refunds(
    partner: Partner, market: Market
) -> None:
    """`convert_to_stable` was taken, refused by the exchange, and left to the operator."""
    await market.open("changenow")
    listed = await partner.get("/providers/refund-capability", key=partner.live_key)
    (one,) = listed.json()["providers"]
    assert (one["provider"], one["refund_capability"]) == ("changenow", "programmatic")
    assert (one["actions"], one["stable_targets"]) == (["return_to_refund_address"], [])
    made = await partner.post("/order/create", await wanted(partner), key=partner.live_key)
    order = made.json()
    assert (order["refund_capability"], order["refund_window_hours"]) == ("programmatic", 24)
    await advance(
        partner.ctx, order_id=order["order_id"], report=Report(OrderStatus.REFUND_REQUIRED)
    )
    path = f"/order/{order['order_id']}/refund-action"
    body = {"convert_to_stable": True, "stable_target": "USDT-ERC20"}
    refused = await partner.post(path, body, key=partner.live_key)
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert error["code"] == "REFUND_NOT_PROGRAMMATIC"
    assert error["provider"] == "changenow"
    taken = await partner.post(path, {"refund_to_address": ADDRESSES["BTC"]}, key=partner.live_key)
    assert (taken.status_code, taken.json()["state"]) == (200, "requested")


async def test_a_create_that_got_no_answer_is_not_sent_again_with_the_same_key(
    partner: Partner, market: Market
) -> None:
    fake = await market.open("changenow")
    body = await wanted(partner)
    fake.changed = {"create": {"payinAddress": b'"0xnot"'}}
    codes = []
    for key in ("one", "one", "two"):
        answer = await partner.post(
            "/order/create", body, key=partner.live_key, headers={"Idempotency-Key": key}
        )
        codes.append(answer.json()["error"]["code"])
    assert codes == ["PROVIDER_ERROR", "QUOTE_EXPIRED", "QUOTE_EXPIRED"]
    assert len(fake.calls("create")) == 1


def test_both_creates_end_before_another_call_may_take_their_place() -> None:
    both = 2 * opening.PROVIDER_DEADLINE_S + rules.PROVIDER_DEADLINE_S
    assert both < LOCK_S
