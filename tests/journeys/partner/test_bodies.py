"""What a request says is taken for one thing: empty bodies, doubled fields, other spellings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from tests.conftest import ADDRESSES, Partner, mint
from tests.contracts.recorder import contract, operations

OTHER = "0x52908400098527886E0F7030069857D2E4169EE7"

#: A body that makes an optional one: every operation of the document whose body may be left out.
OPTIONAL = [
    (method, path.removeprefix("/partner/v1"), operation["operationId"])
    for path, method, operation in operations(contract().made)
    if not operation.get("requestBody", {"required": True})["required"]
]


def fields_of(answer: httpx.Response) -> list[str]:
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    return [one["field"] for one in answer.json()["error"]["fields"]]


async def raw(partner: Partner, path: str, body: Any, **headers: str) -> httpx.Response:
    """A POST of these very bytes; an asynchronous iterator is sent in chunks."""
    sent = {"X-API-Key": partner.test_key, "Content-Type": "application/json"} | headers
    return await partner.client.post(path, content=body, headers=sent)


async def order_of(partner: Partner, **more: Any) -> dict[str, Any]:
    quote = await partner.quote()
    return {"quote_id": quote["quote_id"], "address": ADDRESSES["ETH"]} | more


def test_the_sweep_of_optional_bodies_finds_the_known_ones() -> None:
    assert {name for _, _, name in OPTIONAL} >= {"resume", "rotateSecret"}


@pytest.mark.parametrize(("method", "path", "name"), OPTIONAL)
async def test_an_empty_body_is_an_absent_body(
    partner: Partner, method: str, path: str, name: str
) -> None:
    key = await mint(
        partner.ctx, partner.organization_id, Environment.TEST, Scope.ORDERS, Scope.WEBHOOK_ADMIN
    )
    wanted = {"url": "http://localhost:9/hook", "alias": "Local"}
    codes = []

    async def nothing() -> AsyncIterator[bytes]:
        for _ in ():
            yield b""

    bodies: list[Any] = [None, b"", nothing()]
    for body in bodies:
        made = await partner.post("/webhook/endpoints", wanted, key=key)
        place = path.replace("{endpoint_id}", made.json()["endpoint_id"])
        headers = {"X-API-Key": key}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await partner.client.request(method, place, content=body, headers=headers)
        codes.append((answer.status_code, answer.json().get("error", {}).get("code")))
    assert codes[0] == codes[1] == codes[2], name
    assert codes[0][0] != 422


async def test_an_order_with_two_addresses_is_refused_and_named(partner: Partner) -> None:
    order = json.dumps(await order_of(partner))
    twice = order[:-1] + f', "address": "{OTHER}"}}'
    assert fields_of(await raw(partner, "/order/create", twice)) == ["address"]
    preference = '{"default": "manual_review", "default": "convert_to_stable"}'
    inside = order[:-1] + f', "refund_preference": {preference}}}'
    assert fields_of(await raw(partner, "/order/create", inside)) == ["refund_preference.default"]
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_a_query_and_a_body_that_disagree_are_refused(partner: Partner) -> None:
    order = await order_of(partner, sandbox_ttl=5, sandbox_scenario="success")
    for query in ({"sandbox_ttl": 6}, {"sandbox_scenario": "fail"}):
        answer = await partner.post("/order/create", order, **query)
        assert fields_of(answer) == list(query), answer.text
    same = await partner.post("/order/create", order, sandbox_ttl=5)
    assert same.status_code == 201


async def test_one_idempotency_key_for_all_spellings_of_an_order(partner: Partner) -> None:
    order = await order_of(partner, sandbox_ttl=60, partner_order_ref="réf")
    plain = json.dumps(order)
    spelt = json.dumps(dict(reversed(order.items())), indent=2, ensure_ascii=False)
    spelt = spelt.replace('"sandbox_ttl": 60', '"sandbox_ttl": 60.0')
    key = {"Idempotency-Key": "one"}
    first = await raw(partner, "/order/create", plain, **key)
    again = await raw(partner, "/order/create", spelt.encode(), **key)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    other = await raw(partner, "/order/create", json.dumps(order | {"address": OTHER}), **key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_spellings_of_an_order_that_race_make_one(partner: Partner) -> None:
    order = await order_of(partner)
    spellings = [json.dumps(order, indent=space) for space in (None, 1, 2, 3)]
    answers = await asyncio.gather(
        *(raw(partner, "/order/create", one, **{"Idempotency-Key": "r"}) for one in spellings)
    )
    assert {answer.status_code for answer in answers} == {201}
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_two_idempotency_keys_are_refused(partner: Partner) -> None:
    headers = [("X-API-Key", partner.test_key), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    order = await order_of(partner)
    answer = await partner.client.post("/order/create", json=order, headers=headers)
    assert fields_of(answer) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Content-Type": "application/json; charset=utf-16"}, "Content-Type"),
        ({"Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)
async def test_other_encodings_are_named(
    partner: Partner, headers: dict[str, str], field: str
) -> None:
    assert fields_of(await raw(partner, "/order/create", b"{}", **headers)) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"partner_order_ref": "a\u0000b"}, "partner_order_ref"),
        ({"partner_order_ref": "a\u202eb"}, "partner_order_ref"),
        ({"partner_order_ref": " a"}, "partner_order_ref"),
        ({"partner_order_ref": "a "}, "partner_order_ref"),
        ({"partner_order_ref": " "}, "partner_order_ref"),
        ({"address": ADDRESSES["ETH"] + "\n"}, "address"),
        ({"refund_extra_id": "1"}, "refund_extra_id"),
        (
            {"refund_preference": {"default": "convert_to_stable"}},
            "refund_preference.convert_to_stable_target",
        ),
        ({"refund_preference": {"default": "a\u0007"}}, "refund_preference.default"),
    ],
)
async def test_what_is_wrong_in_a_body_has_the_name_of_its_field(
    partner: Partner, changes: dict[str, Any], field: str
) -> None:
    assert fields_of(await partner.create(**changes)) == [field]


async def test_a_field_of_several_types_is_named_without_them(partner: Partner) -> None:
    order = (await partner.create()).json()
    answer = await partner.post(
        f"/order/{order['order_id']}/refund-action", {"refund_to_address": 7}
    )
    assert set(fields_of(answer)) == {"refund_to_address"}


@pytest.mark.parametrize("query", ["q=a%00b", "status=a%0ab", "a%07b=1"])
async def test_control_characters_in_a_query_have_the_name_of_their_parameter(
    partner: Partner, query: str
) -> None:
    answer = await partner.client.get(
        f"/me/orders?{query}", headers={"X-API-Key": partner.test_key}
    )
    [field] = fields_of(answer)
    assert field == query.partition("=")[0].replace("%07", "\\x07")
