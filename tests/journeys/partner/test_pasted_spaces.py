"""Keys that were pasted with a space or a tab around them work as they were meant."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.conftest import ADDRESSES, Partner
from tests.contracts.rough_client import Answer, RoughClient

AROUND = [b"%s ", b" %s", b"%s\t", b"\t %s \t", b"   %s   "]


async def _call(
    url: str, method: str, path: str, headers: dict[str, bytes], body: bytes | None = None
) -> Answer:
    """Byte for byte: httpx would tidy the values."""
    client = RoughClient(url)
    target = f"/partner/v1{path}"
    answer = await asyncio.to_thread(
        client.call, method, target, headers=list(headers.items()), body=body
    )
    client.close()
    return answer


@pytest.mark.parametrize("around", AROUND)
async def test_an_api_key_is_read_without_spaces_around_it(
    partner: Partner, api_url: str, around: bytes
) -> None:
    headers = {"X-API-Key": around % partner.test_key.encode()}
    answer = await _call(api_url, "GET", "/me", headers)
    assert answer.status == 200, answer.body


async def test_a_key_with_a_space_in_it_is_none(partner: Partner, api_url: str) -> None:
    broken = partner.test_key[:20] + " " + partner.test_key[20:]
    answer = await _call(api_url, "GET", "/me", {"X-API-Key": broken.encode()})
    assert answer.status == 401


async def test_an_idempotency_key_is_read_without_spaces_around_it(
    partner: Partner, api_url: str
) -> None:
    quote = (await partner.quote())["quote_id"]
    body = json.dumps({"quote_id": quote, "address": ADDRESSES["ETH"]}).encode()
    key = {"X-API-Key": partner.test_key.encode()}
    made = set()
    for around in [b"%s", *AROUND]:
        headers = key | {"Idempotency-Key": around % b"pasted-1"}
        answer = await _call(api_url, "POST", "/order/create", headers, body=body)
        assert answer.status == 201, answer.body
        made.add(json.loads(answer.body)["order_id"])
    assert len(made) == 1
    kept = await partner.ctx.database.pool.fetchval("SELECT key FROM idempotency_key")
    assert kept == "pasted-1"
    empty = await _call(
        api_url, "POST", "/order/create", key | {"Idempotency-Key": b"  \t "}, body=body
    )
    assert empty.status == httpx.codes.UNPROCESSABLE_ENTITY
