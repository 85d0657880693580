"""Who can be paid, over the API: `/validate-address`, and the same rules in orders and refunds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from privata.core.addresses import AddressError, not_payees
from tests.conftest import ADDRESSES, Partner

WALLET = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z"
OFF_CURVE = "SysvarS1otHashes111111111111111111111111115"
USDC_MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDT_TRC20 = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
USDT_ERC20 = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
STELLAR = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
NO_WALLET = "not a wallet"
TOKEN, SYSTEM = (AddressError(text).fragment for text in (not_payees.TOKEN, not_payees.SYSTEM))


def _field(answer: httpx.Response) -> tuple[int, str, str, str]:
    error = answer.json()["error"]
    (field,) = error["fields"]
    return answer.status_code, error["code"], field["field"], field["message"]


@pytest.mark.parametrize(
    ("to", "network", "address", "says"),
    [
        ("SOL", "SOL", OFF_CURVE, NO_WALLET),
        ("USDC", "SOL", OFF_CURVE, NO_WALLET),
        ("USDC", "SOL", USDC_MINT, TOKEN),
        ("SOL", "SOL", USDC_MINT, TOKEN),
        ("USDT", "TRC20", USDT_TRC20, TOKEN),
        ("TRX", "TRX", USDT_TRC20, TOKEN),
        ("USDT", "ERC20", USDT_ERC20.lower(), TOKEN),
        ("ETH", "ETH", USDT_ERC20, TOKEN),
        ("SOL", "SOL", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", SYSTEM),
    ],
)
async def test_an_order_is_never_paid_to_a_contract_a_mint_or_an_account_without_key(
    partner: Partner, to: str, network: str, address: str, says: str
) -> None:
    quote = await partner.quote(to=to, to_network=network)
    answer = await partner.create(quote_id=quote["quote_id"], address=address)
    status, code, field, message = _field(answer)
    assert (status, code, field) == (400, "INVALID_ADDRESS", "address")
    assert says in message
    quote = await partner.quote(**{"from": to, "from_network": network, "to": "BTC", "amount": 70})
    answer = await partner.create(
        quote_id=quote["quote_id"], address=ADDRESSES["BTC"], refund_address=address
    )
    status, code, field, message = _field(answer)
    assert (status, code, field) == (400, "INVALID_ADDRESS", "refund_address")
    assert says in message


async def _asked(partner: Partner, **query: Any) -> dict[str, Any]:
    answer = await partner.get("/validate-address", key=None, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_address_is_judged_without_a_quote_and_without_a_key(partner: Partner) -> None:
    eth = ADDRESSES["ETH"]
    right = await _asked(partner, currency="eth", address=eth.lower())
    assert right == {
        "valid": True,
        "currency": "ETH",
        "network": "ETH",
        "address": eth,
        "extra_id": None,
        "extra_id_type": None,
        "field": None,
        "reason": None,
    }
    for query, field, reason in (
        ({"currency": "ETH", "address": eth[:-1] + "e"}, "address", "checksum"),
        ({"currency": "ETH", "address": ""}, "address", "is empty"),
        ({"currency": "ETH", "address": "1" * 600}, "address", "at most 512"),
        ({"currency": "ETH", "address": eth, "extra_id": "7"}, "extra_id", "does not use a memo"),
        ({"currency": "USDC", "network": "sol", "address": OFF_CURVE}, "address", NO_WALLET),
        (
            {"currency": "USDT", "network": "TRC20", "address": USDT_TRC20},
            "address",
            "token itself",
        ),
        ({"currency": "XRP", "address": eth}, "address", ""),
    ):
        wrong = await _asked(partner, **query)
        assert (wrong["valid"], wrong["field"]) == (False, field), wrong
        assert reason in wrong["reason"]
        assert (wrong["address"], wrong["extra_id"]) == (None, None)
    assert (await partner.get("/validate-address", currency="ETH", address=eth)).json() == right


async def test_memos_are_judged_as_their_type(partner: Partner) -> None:
    for memo, kind in (("7", "id"), ("ab" * 32, "hash"), ("faktura nr \u017c", "text")):
        found = await _asked(partner, currency="XLM", address=STELLAR, extra_id=memo)
        assert (found["valid"], found["extra_id"], found["extra_id_type"]) == (True, memo, kind)
    long = await _asked(partner, currency="XLM", address=STELLAR, extra_id="\u017c" * 15)
    assert (long["valid"], long["field"]) == (False, "extra_id")
    assert "28 bytes" in long["reason"]


async def test_what_to_judge_has_to_be_known(partner: Partner) -> None:
    for query, field in (
        ({"currency": "USDT"}, "network"),
        ({"currency": "NOPE"}, "currency"),
        ({"currency": "ETH", "network": "NOPE"}, "network"),
        ({"currency": "$"}, "currency"),
        ({}, "currency"),
        ({"currency": "ETH", "adress": "x"}, "adress"),
    ):
        answer = await partner.get("/validate-address", **({"address": "x"} | query))
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "VALIDATION_ERROR")
        assert field in [one["field"] for one in error["fields"]]
    missing = await partner.get("/validate-address", currency="ETH")
    assert missing.status_code == 422


async def test_judging_counts_as_a_read(partner: Partner) -> None:
    first = await partner.get("/validate-address", currency="ETH", address="x")
    second = await partner.get("/validate-address", currency="ETH", address="x")
    left = [int(one.headers["X-RateLimit-Remaining"]) for one in (first, second)]
    assert first.headers["X-RateLimit-Limit"] == "600"
    assert left[1] < left[0]
