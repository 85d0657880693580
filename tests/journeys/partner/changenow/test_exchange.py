"""A wallet's ChangeNOW v2 integration, whole: nothing but base URL and key is Privata's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.following.poller import follow_once
from privata.orders.moving import advance
from privata.providers.port import Report
from privata.refunds.executing import execute_once
from tests.conftest import ADDRESSES, Partner
from tests.journeys.partner.changenow.client import ChangeNow
from tests.journeys.partner.changenow.conftest import Wallets

PAIR = {"fromCurrency": "btc", "toCurrency": "eth", "fromNetwork": "btc", "toNetwork": "eth"}
DIRECT = PAIR | {"fromAmount": "0.1", "type": "direct"}
REVERSE = PAIR | {"toAmount": "1.5", "type": "reverse"}

#: As wallets send it: with keys that nobody reads, and `""` for what is not used.
BODY: dict[str, Any] = PAIR | {
    "fromAmount": "0.1",
    "toAmount": "",
    "address": ADDRESSES["ETH"],
    "extraId": "",
    "refundAddress": ADDRESSES["BTC"],
    "refundExtraId": "",
    "userId": "",
    "payload": {"origin": "wallet"},
    "contactEmail": "",
    "flow": "standard",
    "type": "direct",
    "rateId": "",
}


async def test_currencies_need_no_key_and_tell_networks_apart(wallets: Wallets) -> None:
    listed = await wallets(None).currencies(active="true", isFiat="false", flow="fixed-rate")
    by_place = {(one["ticker"], one["network"]): one for one in listed}
    assert {("btc", "btc"), ("usdt", "eth"), ("usdt", "trx"), ("usdc", "sol")} <= by_place.keys()
    tether = by_place["usdt", "eth"]
    assert tether["legacyTicker"] == "usdterc20"
    assert tether["tokenContract"] == "0xdac17f958d2ee523a2206206994597c13d831ec7"
    assert tether["isStable"] is True
    assert by_place["xrp", "xrp"]["isExtraIdSupported"] is True
    assert by_place["btc", "btc"]["isExtraIdSupported"] is False


async def test_pairs_and_their_filters(wallet: ChangeNow) -> None:
    every = await wallet.pairs()
    assert len(every) == 12 * 11
    some = await wallet.pairs(fromCurrency="USDT", fromNetwork="TRX", toCurrency="btc", flow="")
    assert [(one["fromNetwork"], one["toCurrency"]) for one in some] == [("trx", "btc")]
    assert await wallet.pairs(fromCurrency="nothing") == []


async def test_limits_are_those_of_the_partner_api(partner: Partner, wallet: ChangeNow) -> None:
    ours = (await partner.get("/limits", **{"from": "BTC", "to": "ETH"})).json()
    lowest, highest = await wallet.range(**PAIR)
    assert (lowest, highest) == (Decimal(ours["min"]), Decimal(ours["max"]))
    assert await wallet.min_amount(**PAIR, flow="fixed-rate") == lowest


@pytest.mark.parametrize("flow", ["standard", "fixed-rate"])
async def test_estimates_in_both_directions(wallet: ChangeNow, flow: str) -> None:
    direct = await wallet.estimate(**DIRECT, flow=flow, useRateId="true")
    assert direct.from_amount == Decimal("0.1")
    reverse = await wallet.estimate(**REVERSE, flow=flow, useRateId="true")
    assert reverse.to_amount == Decimal("1.5")
    for one in (direct, reverse):
        assert (one.rate_id is None) is (flow == "standard")
        assert (one.valid_until is None) is (flow == "standard")
    plain = await wallet.estimate(**DIRECT, flow=flow)
    assert (plain.rate_id, plain.valid_until) == (None, None)
    # What must be sent for what is received: the same price, seen from the other side.
    back = await wallet.estimate(**PAIR, type="reverse", toAmount=str(direct.to_amount), flow=flow)
    assert abs(back.from_amount - direct.from_amount) < Decimal("0.0001")


async def test_words_in_any_case_and_empty_values(wallet: ChangeNow) -> None:
    loud = {name: value.upper() for name, value in PAIR.items()}
    found = await wallet.estimate(
        **loud, fromAmount="1e-1", toAmount="", flow="FIXED-RATE", type="Direct", userId=""
    )
    assert found.from_amount == Decimal("0.1")
    await wallet.range(fromCurrency="BTC", toCurrency="ETH", fromNetwork="", toNetwork="", flow="")


async def test_an_exchange_through_all_its_states(
    ctx: AppContext, partner: Partner, wallet: ChangeNow
) -> None:
    made = await wallet.create(BODY, sandbox_scenario="stuck")
    assert (made["fromAmount"], made["directedAmount"]) == (Decimal("0.1"), Decimal("0.1"))
    assert made["refundAddress"] == ADDRESSES["BTC"]
    assert not {"rateId", "validUntil", "payinExtraId", "refundExtraId"} & made.keys()
    seen = [await wallet.by_id(made["id"])]
    assert (seen[0]["status"], seen[0]["amountFrom"]) == ("waiting", None)
    for status in ("confirming", "exchanging", "sending", "completed"):
        last = OrderStatus(status)
        report = Report(last, tx_in_hash="ab" * 32)
        if status == "completed":
            report = Report(last, amount_to_actual=Decimal("1.9"), tx_out_hash="cd" * 32)
        await advance(ctx, order_id=made["id"], report=report)
        seen.append(await wallet.by_id(made["id"]))
    words = [one["status"] for one in seen]
    assert words == ["waiting", "confirming", "exchanging", "sending", "finished"]
    final = seen[-1]
    assert (final["amountFrom"], final["amountTo"]) == (Decimal("0.1"), Decimal("1.9"))
    assert (final["payinHash"], final["payoutHash"]) == ("ab" * 32, "cd" * 32)
    assert final["depositReceivedAt"] == seen[1]["depositReceivedAt"]
    # An order like any other: the partner API has it, and every state was told.
    ours = (await partner.get(f"/order/{made['id']}")).json()
    assert (ours["status"], ours["deposit_address"]) == ("completed", made["payinAddress"])
    told = await ctx.database.pool.fetch("SELECT type FROM event ORDER BY seq")
    assert len(told) == 5


async def test_a_fixed_rate_is_kept_in_both_directions(wallet: ChangeNow) -> None:
    for query, name in ((DIRECT, "fromAmount"), (REVERSE, "toAmount")):
        rate = await wallet.estimate(**query, flow="fixed-rate", useRateId="true")
        amounts = {"fromAmount": "", "toAmount": "", name: query[name], "type": query["type"]}
        body = BODY | amounts | {"flow": "fixed-rate", "rateId": rate.rate_id}
        made = await wallet.create(body)
        assert (made["fromAmount"], made["toAmount"]) == (rate.from_amount, rate.to_amount)
        assert made["rateId"] == rate.rate_id
        found = await wallet.by_id(made["id"])
        assert found["validUntil"] == made["validUntil"]


async def test_every_digit_survives_in_and_out(wallet: ChangeNow) -> None:
    """A JSON number is no float: 18 decimals would not survive one."""
    digits = "1.123456789012345678"
    body = BODY | {"fromCurrency": "eth", "fromNetwork": "eth", "toCurrency": "xrp"}
    body |= {"toNetwork": "xrp", "address": "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "extraId": "7"}
    body["refundAddress"] = ADDRESSES["ETH"]
    sent = wallet.http.build_request("POST", "/v2/exchange", json=body)
    raw = sent.content.replace(b'"0.1"', digits.encode())  # a number instead of a string
    response = await wallet.http.post(
        "/v2/exchange",
        content=raw,
        headers={**wallet._headers, "Content-Type": "application/json"},
    )
    made = wallet._read(response)
    assert str(made["fromAmount"]) == digits
    found = await wallet.by_id(made["id"])
    assert str(found["expectedAmountFrom"]) == digits
    assert found["payoutExtraId"] == "7"


async def test_a_refund(ctx: AppContext, wallet: ChangeNow) -> None:
    made = await wallet.create(BODY, sandbox_scenario="refund", sandbox_ttl="0")
    while await follow_once(ctx):
        pass
    found = await wallet.by_id(made["id"])
    assert (found["status"], found["actionsAvailable"]) == ("failed", True)
    actions = await wallet.actions(made["id"])
    assert actions["refund"]["available"] is True
    assert actions["refund"]["amount"] == "0.1"
    assert actions["continue"]["available"] is False
    given = actions["refund"]["address"]
    assert await wallet.refund(made["id"], given["address"]) is True
    assert await wallet.refund(made["id"], given["address"]) is True  # the same wish again
    chosen = await wallet.by_id(made["id"])
    assert (chosen["status"], chosen["actionsAvailable"]) == ("failed", False)
    while await execute_once(ctx, Environment.TEST):
        pass
    done = await wallet.by_id(made["id"])
    assert (done["status"], done["payoutHash"]) == ("refunded", None)
    assert done["refundHash"]


@pytest.mark.parametrize(("scenario", "word"), [("fail", "failed"), ("expire", "expired")])
async def test_other_ends(ctx: AppContext, wallet: ChangeNow, scenario: str, word: str) -> None:
    made = await wallet.create(BODY, sandbox_scenario=scenario, sandbox_ttl="0")
    while await follow_once(ctx):
        pass
    found = await wallet.by_id(made["id"])
    assert (found["status"], found["actionsAvailable"]) == (word, False)
    assert found["amountFrom"] is None


async def test_addresses_by_network_and_by_currency(wallets: Wallets) -> None:
    nobody = wallets(None)
    assert await nobody.validate("btc", ADDRESSES["BTC"]) == (True, None)
    assert await nobody.validate("ETH", ADDRESSES["ETH"]) == (True, None)
    for network in ("arbitrum", "op", "matic", "cchain", "avaxc"):
        assert (await nobody.validate(network, ADDRESSES["ETH"]))[0] is True
    wrong, reason = await nobody.validate("btc", ADDRESSES["ETH"])
    assert (wrong, bool(reason)) == (False, True)


async def test_either_header_carries_the_key(partner: Partner, wallets: Wallets) -> None:
    for header in ("x-changenow-api-key", "X-API-Key", "x-api-key"):
        await wallets(partner.test_key, header=header).pairs(fromCurrency="btc")
