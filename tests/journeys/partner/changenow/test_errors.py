"""Every error in the shape that ChangeNOW's clients read, whoever raised it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.quotes import service as quotes
from tests.conftest import ADDRESSES, Partner, mint
from tests.journeys.partner.changenow.client import ChangeNow, ChangeNowError
from tests.journeys.partner.changenow.conftest import Wallets
from tests.journeys.partner.changenow.test_exchange import BODY, DIRECT, PAIR

MISSING = "prv-0198f3a5-6a7e-7d7c-9c3e-3f0d3b8f6c11"


async def failure(call: Awaitable[Any]) -> ChangeNowError:
    with pytest.raises(ChangeNowError) as raised:
        await call
    return raised.value


async def test_too_little_and_too_much_tell_the_range(wallet: ChangeNow) -> None:
    bounds = await wallet.range(**PAIR)
    for amount, code, words in (
        ("0.00000001", "deposit_too_small", "Out of min amount"),
        ("1000000", "out_of_range", "Out of max amount"),
    ):
        for call in (
            wallet.estimate(**DIRECT | {"fromAmount": amount}),
            wallet.create(BODY | {"fromAmount": amount}),
        ):
            refused = await failure(call)
            assert (refused.status, refused.error, refused.message) == (400, code, words)
            assert refused.range == bounds


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fromAmount": ""}, "fromAmount is required"),
        ({"fromAmount": "0"}, "fromAmount must be greater"),
        ({"fromAmount": "-1"}, "fromAmount must be"),
        ({"fromAmount": "1e400"}, "fromAmount must be"),
        ({"fromAmount": "0.123456789"}, "at most 8 decimals"),
        ({"type": "reverse"}, "toAmount is required"),
        ({"type": "sideways"}, "type Input should be"),
        ({"flow": "floating"}, "flow Input should be"),
        ({"flow": "fixed-rate"}, "rateId is required"),
        ({"flow": "fixed-rate", "rateId": "x"}, "rateId is not a valid rateId"),
        ({"flow": "fixed-rate", "rateId": "qt_" + "0" * 32}, "This rateId is unknown, used, or"),
        ({"fromNetwork": ""}, "fromNetwork Field required"),
        ({"toCurrency": ""}, "toCurrency Field required"),
        ({"address": ""}, "address Field required"),
        ({"address": "nowhere"}, "address is not valid"),
        ({"refundAddress": "nowhere"}, "refundAddress is not valid"),
        ({"extraId": "12"}, "extraId is not valid"),
    ],
)
async def test_wrong_parameters_are_named(
    wallet: ChangeNow, change: dict[str, str], says: str
) -> None:
    refused = await failure(wallet.create(BODY | change))
    assert (refused.status, refused.error) == (400, "not_valid_params")
    assert says in refused.message
    assert "quote" not in refused.message


async def test_a_rate_is_good_for_what_it_was_asked_for_and_once(wallet: ChangeNow) -> None:
    """Whoever pays another amount, or another asset, than the rate is for would lose it."""
    rate = await wallet.estimate(**DIRECT, flow="fixed-rate", useRateId="true")
    fixed = BODY | {"flow": "fixed-rate", "rateId": rate.rate_id}
    for change in (
        {"fromAmount": "0.2"},
        {"fromAmount": "", "toAmount": "0.1", "type": "reverse"},
        {"toCurrency": "usdt", "toNetwork": "eth"},
        {"fromCurrency": "ltc", "fromNetwork": "ltc", "refundAddress": ""},
    ):
        refused = await failure(wallet.create(fixed | change))
        assert (refused.status, refused.error) == (400, "not_valid_params")
        assert "rateId is for another" in refused.message
    assert (await wallet.create(fixed))["rateId"] == rate.rate_id
    refused = await failure(wallet.create(fixed))
    assert (refused.status, refused.error) == (400, "not_valid_params")


async def test_currencies_that_are_not_there(wallet: ChangeNow) -> None:
    for change in ({"toCurrency": "nothing"}, {"toNetwork": "bsc"}, {"toCurrency": "btc"}):
        query = PAIR | {"toNetwork": "btc"} | change
        for call in (wallet.range(**query), wallet.estimate(**query, fromAmount="1")):
            refused = await failure(call)
            assert (refused.status, refused.error) == (400, "pair_is_inactive")


async def test_no_network_is_chosen_for_anybody(wallet: ChangeNow) -> None:
    query = {"fromCurrency": "btc", "toCurrency": "usdt"}
    refused = await failure(wallet.range(**query))
    assert (refused.status, refused.error) == (400, "not_valid_params")
    assert "toNetwork is required: usdt is on eth, trx" in refused.message
    for currency in ("usdt", "nothing", ""):
        refused = await failure(wallet.validate(currency, ADDRESSES["ETH"]))
        assert (refused.status, refused.error) == (400, "not_valid_params")


async def test_exchanges_that_are_not_there(wallet: ChangeNow) -> None:
    for ident in (MISSING, "c2036055d1f776", "x" * 64):
        calls: list[tuple[Awaitable[Any], str]] = [
            (wallet.by_id(ident), "Transaction not found"),
            (wallet.actions(ident), "Exchange not found"),
            (wallet.refund(ident, ADDRESSES["BTC"]), "Exchange not found"),
            (wallet.go_on(ident), "Exchange not found"),
        ]
        for call, words in calls:
            refused = await failure(call)
            assert (refused.status, refused.error) == (404, "not_found")
            assert refused.message == words
    refused = await failure(wallet.by_id(""))
    assert (refused.status, refused.error) == (400, "not_valid_params")


async def test_actions_that_are_not_to_be_had(wallet: ChangeNow) -> None:
    made = await wallet.create(BODY)
    refused = await failure(wallet.refund(made["id"], ADDRESSES["BTC"]))
    assert (refused.status, refused.error) == (400, "not_available")
    assert refused.message == f"Refund not available for exchange {made['id']}"
    refused = await failure(wallet.go_on(made["id"]))
    assert (refused.status, refused.error) == (400, "not_available")
    assert refused.message == f"Continue not available for exchange {made['id']}"
    refused = await failure(wallet.network_fee(**PAIR))
    assert (refused.status, refused.error) == (400, "not_available")


async def test_keys(partner: Partner, wallets: Wallets) -> None:
    for key in (None, "pk_test_wrong", "pk_test_" + "0" * 43):
        refused = await failure(wallets(key).range(**PAIR))
        assert (refused.status, refused.error) == (401, "unauthorized")
    other = await mint(partner.ctx, partner.organization_id, Environment.TEST, Scope.PAYOUTS_READ)
    refused = await failure(wallets(other).create(BODY))
    assert (refused.status, refused.error) == (403, "forbidden")
    good = wallets(partner.test_key)
    good._headers["Origin"] = "https://wallet.example"
    refused = await failure(good.range(**PAIR))
    assert (refused.status, refused.error) == (403, "forbidden")


async def test_the_first_of_two_keys_counts(partner: Partner, wallets: Wallets) -> None:
    """Two headers may disagree; which one counts does not depend on their order."""
    wallet = wallets(partner.test_key)
    for other in ("x-api-key", "X-API-Key"):
        wallet._headers = {other: "pk_test_wrong", "x-changenow-api-key": partner.test_key}
        await wallet.pairs(fromCurrency="btc")
        wallet._headers = {"x-changenow-api-key": partner.test_key, other: "pk_test_wrong"}
        await wallet.pairs(fromCurrency="btc")


async def test_an_exchange_of_the_other_environment_looks_missing(
    partner: Partner, wallet: ChangeNow, wallets: Wallets
) -> None:
    made = await wallet.create(BODY)
    live = wallets(partner.live_key)
    for call in (live.by_id(made["id"]), live.refund(made["id"], ADDRESSES["BTC"])):
        assert (await failure(call)).status == 404


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"id": 1, "id": 2}', "application/json"),
        (b"\xff", "application/json"),
        (b"{}", "text/plain"),
        (b'{"id": "' + b"a" * 70_000 + b'"}', "application/json"),
    ],
)
async def test_bodies_that_are_none(wallet: ChangeNow, content: bytes, kind: str) -> None:
    for path in ("/v2/exchange", "/v2/exchange/refund", "/v2/exchange/continue"):
        response = await wallet.http.post(
            path, content=content, headers={**wallet._headers, "Content-Type": kind}
        )
        assert response.status_code == 400
        answer = response.json()
        assert set(answer) == {"error", "message"}
        assert answer["error"] == "not_valid_params"


async def test_paths_and_methods_that_are_none(wallet: ChangeNow) -> None:
    missing = await wallet.http.get("/v2/exchange/nothing", headers=wallet._headers)
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    wrong = await wallet.http.delete("/v2/exchange", headers=wallet._headers)
    assert (wrong.status_code, wrong.json()["error"]) == (405, "not_valid_params")
    for answer in (missing, wrong):
        assert set(answer.json()) == {"error", "message"}


async def test_the_rate_limit(partner: Partner, wallet: ChangeNow) -> None:
    await wallet.pairs(fromCurrency="btc")
    await partner.ctx.database.pool.execute("UPDATE rate_bucket SET tokens = 0")
    refused = await failure(wallet.pairs(fromCurrency="btc"))
    assert (refused.status, refused.error) == (429, "too_many_requests")


async def test_faults_of_ours(wallet: ChangeNow, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("not to be shown")

    monkeypatch.setattr(quotes, "limits_for", broken)
    refused = await failure(wallet.range(**PAIR))
    assert (refused.status, refused.error) == (500, "internal_error")
    assert refused.message == "An internal error occurred."

    async def away(*_: object) -> None:
        raise ConnectionRefusedError("the database")

    monkeypatch.setattr(quotes, "limits_for", away)
    refused = await failure(wallet.range(**PAIR))
    assert (refused.status, refused.error) == (503, "internal_error")
