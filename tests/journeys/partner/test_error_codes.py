"""Every wrong thing a partner can send gets its code of docs/errors.md, never a 500."""

from __future__ import annotations

from typing import Any

import pytest

from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from tests.conftest import ADDRESSES, Partner, mint

QUOTE = {"from": "BTC", "to": "ETH", "amount": "0.1"}


def error_of(answer: Any) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) >= {"code", "message", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


@pytest.mark.parametrize(
    "key", [None, "x", "pk_test_short", "pk_test_" + "A" * 43, "pk_live_" + "A" * 43, "ключ"]
)
async def test_wrong_keys_all_look_alike(partner: Partner, key: str | None) -> None:
    headers = {} if key is None else {b"X-API-Key": key.encode()}
    answer = await partner.client.get("/order/x", headers=headers)
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (401, "INVALID_KEY")
    assert error["message"].startswith("The API key is missing, malformed, revoked, expired")


async def test_a_wrong_key_is_refused_even_where_none_is_needed(partner: Partner) -> None:
    answer = await partner.get("/currencies", key="pk_test_" + "A" * 43)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "INVALID_KEY")


@pytest.mark.parametrize(
    "column", ["revoked_at = now()", "expires_on = current_date", "allowed_cidrs = '{10.0.0.0/8}'"]
)
async def test_dead_and_misplaced_keys_are_invalid(partner: Partner, column: str) -> None:
    await partner.ctx.database.pool.execute(f"UPDATE api_key SET {column}")
    answer = await partner.get("/estimate", **QUOTE)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "INVALID_KEY")


async def test_a_missing_scope_is_named(partner: Partner) -> None:
    key = await mint(partner.ctx, partner.organization_id, Environment.TEST, Scope.WEBHOOK_ADMIN)
    answer = await partner.get("/order/x", key=key)
    error = error_of(answer)
    assert (answer.status_code, error["code"], error["scope"]) == (
        403,
        "SCOPE_REQUIRED",
        "orders:rw",
    )


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ({"to": "XYZ"}, 400, "INVALID_PAIR", None),
        ({"to": "BTC"}, 400, "INVALID_PAIR", None),
        ({"to": "ETH", "to_network": "SOL"}, 400, "INVALID_PAIR", None),
        ({"amount": "0.0000001"}, 400, "AMOUNT_TOO_LOW", None),
        ({"amount": "0.00001"}, 400, "AMOUNT_TOO_LOW", None),
        ({"amount": "100000"}, 400, "AMOUNT_TOO_HIGH", None),
        ({"amount": "0.00001", "side": "receive"}, 400, "AMOUNT_TOO_LOW", None),
        ({"amount": "1e5"}, 422, "VALIDATION_ERROR", "amount"),
        ({"amount": "-1"}, 422, "VALIDATION_ERROR", "amount"),
        ({"amount": "0"}, 422, "VALIDATION_ERROR", "amount"),
        ({"amount": "NaN"}, 422, "VALIDATION_ERROR", "amount"),
        ({"amount": "٣"}, 422, "VALIDATION_ERROR", "amount"),
        ({"amount": "0.123456789"}, 422, "VALIDATION_ERROR", "amount"),
        ({"to": "USDT"}, 422, "VALIDATION_ERROR", "to_network"),
        ({"side": "both"}, 422, "VALIDATION_ERROR", "side"),
        ({"markup_bps": "301"}, 422, "VALIDATION_ERROR", "markup_bps"),
        ({"markup_bps": "1.5"}, 422, "VALIDATION_ERROR", "markup_bps"),
        ({"form_network": "BTC"}, 422, "VALIDATION_ERROR", "form_network"),
        ({"to": "ETH\x00"}, 422, "VALIDATION_ERROR", "to"),
    ],
)
async def test_wrong_estimates(
    partner: Partner, query: dict[str, str], status: int, code: str, field: str | None
) -> None:
    answer = await partner.get("/estimate", **(QUOTE | query))
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (status, code), error
    if field is not None:
        assert field in [one["field"] for one in error["fields"]]
    if code.startswith("AMOUNT_"):
        assert set(error) >= {"min", "max"}


async def test_a_parameter_given_twice_is_named(partner: Partner) -> None:
    answer = await partner.client.get("/estimate?from=BTC&from=ETH&to=LTC&amount=1")
    assert error_of(answer)["fields"] == [{"field": "from", "message": "is given twice"}]


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"address": ADDRESSES["ETH"][:-1] + "e"}, 400, "INVALID_ADDRESS", "address"),
        ({"address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}, 400, "INVALID_ADDRESS", "address"),
        ({"address": ""}, 422, "VALIDATION_ERROR", "address"),
        ({"address": 7}, 422, "VALIDATION_ERROR", "address"),
        ({"address": "😀"}, 400, "INVALID_ADDRESS", "address"),
        ({"extra_id": "12"}, 400, "INVALID_ADDRESS", "extra_id"),
        ({"refund_address": ADDRESSES["ETH"]}, 400, "INVALID_ADDRESS", "refund_address"),
        ({"refund_extra_id": "1"}, 422, "VALIDATION_ERROR", "refund_extra_id"),
        ({"quote_id": "nonsense"}, 422, "VALIDATION_ERROR", "quote_id"),
        ({"quote_id": "qt_" + "0" * 32}, 410, "QUOTE_EXPIRED", None),
        ({"sandbox_scenario": "win"}, 422, "VALIDATION_ERROR", "sandbox_scenario"),
        ({"sandbox_ttl": 3601}, 422, "VALIDATION_ERROR", "sandbox_ttl"),
        ({"sandbox_ttl": -1}, 422, "VALIDATION_ERROR", "sandbox_ttl"),
        ({"adress": "x"}, 422, "VALIDATION_ERROR", "adress"),
        ({"partner_order_ref": "a\u0000b"}, 422, "VALIDATION_ERROR", "partner_order_ref"),
        ({"partner_order_ref": "x" * 129}, 422, "VALIDATION_ERROR", "partner_order_ref"),
        (
            {"refund_preference": {"default": "convert_to_stable"}},
            422,
            "VALIDATION_ERROR",
            "refund_preference.convert_to_stable_target",
        ),
    ],
)
async def test_wrong_creates(
    partner: Partner, changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    answer = await partner.create(**changes)
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (status, code), error
    if field is not None:
        assert field in [one["field"] for one in error["fields"]]
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"quote_id": 1e400}', b"[" * 10_000, b'"' * 70_000],
)
async def test_bodies_that_are_no_order(partner: Partner, body: bytes) -> None:
    answer = await partner.client.post(
        "/order/create",
        content=body,
        headers={"X-API-Key": partner.test_key, "Content-Type": "application/json"},
    )
    assert (answer.status_code, error_of(answer)["code"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_wrong_content_types(partner: Partner, content_type: str) -> None:
    answer = await partner.client.post(
        "/order/create",
        content=b"{}",
        headers={"X-API-Key": partner.test_key, "Content-Type": content_type},
    )
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (422, "VALIDATION_ERROR")
    assert error["fields"][0]["field"] == "Content-Type"


async def test_wrong_methods_and_paths(partner: Partner) -> None:
    method = await partner.client.get("/order/create/x")
    assert (method.status_code, error_of(method)["code"]) == (404, "NOT_FOUND")
    for verb, path in (("DELETE", "/order/create"), ("POST", "/health"), ("PUT", "/estimate")):
        answer = await partner.client.request(verb, path)
        error = error_of(answer)
        assert (answer.status_code, error["code"]) == (405, "VALIDATION_ERROR")
        assert answer.headers["allow"]
        assert verb in error["message"]


async def test_sandbox_parameters_are_for_test_keys(partner: Partner) -> None:
    answer = await partner.post(
        "/order/create",
        {"quote_id": "qt_" + "0" * 32, "address": ADDRESSES["ETH"], "sandbox_ttl": 0},
        key=partner.live_key,
    )
    error = error_of(answer)
    assert (answer.status_code, error["fields"][0]["field"]) == (422, "sandbox_ttl")


async def test_quotes_expire_and_are_used_once(partner: Partner) -> None:
    old = await partner.quote()
    await partner.ctx.database.pool.execute("UPDATE quote SET expires_at = now()")
    assert error_of(await partner.create(quote_id=old["quote_id"]))["code"] == "QUOTE_EXPIRED"
    new = await partner.quote()
    assert (await partner.create(quote_id=new["quote_id"])).status_code == 201
    again = await partner.create(quote_id=new["quote_id"])
    assert (again.status_code, error_of(again)["code"]) == (410, "QUOTE_EXPIRED")


@pytest.mark.parametrize("key", ["", "é", "x" * 256, "a\tb"])
async def test_malformed_idempotency_keys(partner: Partner, key: str) -> None:
    answer = await partner.client.post(
        "/order/create",
        json={"quote_id": "qt_" + "0" * 32, "address": ADDRESSES["ETH"]},
        headers=[
            (b"X-API-Key", partner.test_key.encode()),
            (b"Idempotency-Key", key.encode("latin-1")),
        ],
    )
    error = error_of(answer)
    assert (answer.status_code, error["fields"][0]["field"]) == (422, "Idempotency-Key")


async def test_the_openapi_document_is_served_to_all(partner: Partner) -> None:
    answer = await partner.get("/openapi.json", key=None)
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"][0]["url"] == partner.ctx.settings.base_url
    assert "/partner/v1/order/create" in document["paths"]
