"""The manners of HTTP on every route: HEAD, unknown things, 401, caches, and what is no HTTP."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from privata.api.automation.routes import PREFIX, router
from privata.apikeys.scopes import Scope
from privata.core.roles import Role
from privata.core.tenancy import Environment
from privata.organizations.tests.people import member
from privata.tokens.service import create_token
from tests.conftest import Partner, mint
from tests.contracts.recorder import contract, operations

QUERIES = {
    "/limits": {"from": "BTC", "to": "ETH"},
    "/estimate": {"from": "BTC", "to": "ETH", "amount": "0.1"},
    "/validate-address": {"currency": "BTC", "address": "nonsense"},
}

#: Differ between two calls, whatever is asked.
CHANGING = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}

PATHS = [(path.removeprefix("/partner/v1"), method) for path, method, _ in operations(
    contract().made
)]  # fmt: skip
WITH_IDS = [(path, method) for path, method in PATHS if "{" in path]


@pytest.fixture
async def keys(partner: Partner) -> dict[str, str]:
    """A key for each kind of path: payouts want a live one."""
    scopes = (Scope.ORDERS, Scope.WEBHOOK_ADMIN, Scope.PAYOUTS_READ)
    money = (Scope.PAYOUTS_READ, Scope.PAYOUTS_TRIGGER)
    where = partner.ctx, partner.organization_id
    return {
        "payouts": await mint(*where, Environment.LIVE, *money),
        "": await mint(*where, Environment.TEST, *scopes),
    }


def _key(keys: dict[str, str], path: str) -> dict[str, str]:
    return {"X-API-Key": keys["payouts" if path.startswith("/payouts") else ""]}


def _same(head: httpx.Response, get: httpx.Response) -> None:
    assert head.content == b""
    assert head.status_code == get.status_code
    assert {k: v for k, v in head.headers.items() if k not in CHANGING} == {
        k: v for k, v in get.headers.items() if k not in CHANGING
    }


async def test_head_on_every_get_of_the_partner_api(partner: Partner, keys: dict[str, str]) -> None:
    order = (await partner.create()).json()["order_id"]
    for path in ["/openapi.json", *(path for path, method in PATHS if method == "get")]:
        if path.endswith("/stream"):
            continue
        place = path.replace("{order_id}", order).replace("{", "").replace("}", "")
        where: Any = {"params": QUERIES.get(path), "headers": _key(keys, path)}
        head = await partner.client.head(place, **where)
        get = await partner.client.get(place, **where)
        _same(head, get)
        # An order that needs no refund has none to show.
        assert head.status_code in ((409,) if path.endswith("/refund") else (200, 404)), path
        assert int(head.headers["Content-Length"]) == len(get.content) > 0
    assert (await partner.client.head("/webhook/resume")).status_code == 405


async def test_head_on_a_stream_opens_none(partner: Partner) -> None:
    order = (await partner.create()).json()["order_id"]
    headers = {"X-API-Key": partner.test_key}
    head = await partner.client.head(f"/order/{order}/stream", headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert head.headers["privata-resume-source"] == "fresh"
    assert "content-length" not in head.headers
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM stream") == 0
    missing = await partner.client.head(f"/order/prv-{uuid.uuid4()}/stream", headers=headers)
    assert missing.status_code == 404
    assert (await partner.client.head(f"/order/{order}/stream")).status_code == 401


async def test_head_and_methods_of_the_dashboard_api(
    partner: Partner, organization: uuid.UUID
) -> None:
    owner = await member(partner.ctx, organization, Role.OWNER, "ann@acme.example")
    made = await create_token(partner.ctx, actor=owner, name="script", days=7, write=True)
    server = str(partner.client.base_url).partition("/partner")[0]
    by_path: dict[str, set[str]] = {}
    for route in router.routes:
        path = PREFIX + route.path.replace("{environment}", "test")
        by_path.setdefault(path, set()).add(route.method)
    headers = {"Authorization": f"Bearer {made.token}"}
    async with httpx.AsyncClient(base_url=server, headers=headers, timeout=30) as client:
        for path, methods in by_path.items():
            if "GET" in methods:
                _same(await client.head(path), await client.get(path))
            wrong = await client.request("PUT", path)
            allowed = {one.strip() for one in wrong.headers["Allow"].split(",")}
            assert (wrong.status_code, allowed - {"HEAD"}) == (405, methods)
        for path in ("/healthz", "/readyz"):
            _same(await client.head(path), await client.get(path))


@pytest.mark.parametrize("ident", ["nonsense", "prv-1", "%00", "💧", str(uuid.UUID(int=7))])
@pytest.mark.parametrize(("path", "method"), WITH_IDS)
async def test_unknown_and_malformed_ids_are_not_found(
    partner: Partner, keys: dict[str, str], path: str, method: str, ident: str
) -> None:
    place = path
    while "{" in place:
        place = place[: place.index("{")] + ident + place[place.index("}") + 1 :]
    bodies: dict[str, Any] = {
        "/order/{order_id}/refund-action": {"refund_to_address": True},
        "/payouts/{payout_id}/confirm": {"signature": "x"},
    }
    answer = await partner.client.request(
        method, place, json=bodies.get(path, {}), headers=_key(keys, path)
    )
    code = "ORDER_NOT_FOUND" if path.startswith("/order/") else "NOT_FOUND"
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code), answer.text


@pytest.mark.parametrize("path", ["/webhook/resume", "/webhook/recover"])
async def test_unknown_ids_in_bodies_are_not_found(
    partner: Partner, keys: dict[str, str], path: str
) -> None:
    body = {"endpoint_id": str(uuid.uuid4())}
    if path.endswith("recover"):
        body["since"] = "2026-05-21T10:14:01Z"
    answer = await partner.post(path, body, key=keys[""])
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    [
        "//partner/v1/health", "/partner//v1/health", "///partner/v1/currencies", "/partner",
        "/partner/", "/partner/v1", "/partner/v2/health", "/PARTNER/v1/health", "/partner/v1/nope",
        "//dashboard/v1/me", "/dashboard", "/dashboard/v1", "/dashboard/v1/nope",
    ],
)  # fmt: skip
async def test_a_wrong_address_of_an_api_is_told_in_json(partner: Partner, path: str) -> None:
    parts = urlsplit(str(partner.client.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 404 ")
    error = httpx.Response(200, content=body).json()["error"]
    assert error["code"] == "NOT_FOUND"
    assert error["request_id"].encode() in head
    if "//" in path:
        assert "single slashes: /" in error["message"]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"POST /partner/v1/order/create HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_in_the_shape_of_all_errors(
    partner: Partner, sent: bytes
) -> None:
    parts = urlsplit(str(partner.client.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(sent)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    answer = httpx.Response(400, content=body).json()
    contract().fits({"$ref": "#/components/schemas/Error"}, answer, "no HTTP")
    assert answer["error"]["code"] == "VALIDATION_ERROR"
    assert answer["error"]["request_id"].encode() in head


async def test_401_says_how_to_authenticate(partner: Partner) -> None:
    for key in (None, "pk_test_" + "A" * 43):
        answer = await partner.get("/me", key=key)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("ApiKey ")
        assert "X-API-Key" in answer.headers["WWW-Authenticate"]
    server = str(partner.client.base_url).partition("/partner")[0]
    async with httpx.AsyncClient(base_url=server) as client:
        answer = await client.get("/dashboard/v1/me")
    assert (answer.status_code, answer.headers["WWW-Authenticate"][:7]) == (401, "Bearer ")


async def test_no_json_may_be_kept(partner: Partner, keys: dict[str, str]) -> None:
    asked = [pair for pair in PATHS if not pair[0].endswith("/stream")]
    for path, method in [*asked, ("/openapi.json", "get"), ("/nope", "get"), ("/health", "post")]:
        answer = await partner.client.request(method, path, headers=_key(keys, path))
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["content-type"] == "application/json", path
