"""The automation API over HTTP: a person's lists, and looking after endpoints."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from privata.apikeys.scopes import Scope
from privata.core.roles import Role
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.organizations.tests.people import audited, member
from privata.tokens.service import create_token
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.tests.deliveries import actor_of, publish_order
from tests.conftest import Partner, mint


@pytest.fixture
async def owner(ctx: AppContext, organization: uuid.UUID) -> Actor:
    return await member(ctx, organization, Role.OWNER, "ann@acme.example")


@pytest.fixture
async def script(ctx: AppContext, owner: Actor, api_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A program with the owner's token, which may write."""
    made = await create_token(ctx, actor=owner, name="script", days=7, write=True)
    headers = {"Authorization": f"Bearer {made.token}"}
    async with httpx.AsyncClient(
        base_url=f"{api_url}/dashboard/v1", headers=headers, timeout=30
    ) as client:
        yield client


async def test_who_and_with_whom(script: httpx.AsyncClient) -> None:
    me = (await script.get("/me")).json()
    assert (me["email"], me["role"], me["organization"]["name"]) == (
        "ann@acme.example",
        "owner",
        "Acme Wallet",
    )
    [row] = (await script.get("/members")).json()["members"]
    assert (row["status"], row["last_login_at"]) == ("active", None)


async def test_orders_in_pages_and_by_environment(
    script: httpx.AsyncClient, partner: Partner
) -> None:
    made = [(await partner.create()).json()["order_id"] for _ in range(3)]
    first = (await script.get("/test/orders", params={"limit": 2})).json()
    rest = (
        await script.get("/test/orders", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    found = [order["order_id"] for order in first["orders"] + rest["orders"]]
    assert (found, rest["next_cursor"]) == (made[::-1], None)
    assert first["orders"][0]["amount_from"] == "0.1"
    assert (await script.get("/live/orders")).json() == {"orders": [], "next_cursor": None}
    for query in ({"cursor": "x"}, {"cursor": "2026-01-01~x"}, {"status": "x"}, {"page": "1"}):
        answer = await script.get("/test/orders", params=query)
        assert answer.status_code == 422, query
        assert answer.json()["error"]["fields"][0]["field"] == next(iter(query))
    assert (await script.get("/mars/orders")).status_code == 404


@pytest.mark.parametrize(
    "field", ["url", "alias", "event_filter", "strict_ordering", "schedule_s", "pace_per_s"]
)
async def test_a_null_gets_the_same_answer_on_both_apis(
    script: httpx.AsyncClient, partner: Partner, field: str
) -> None:
    """`{"url": null}` was 200 on one and 422 on the other."""
    key = await mint(partner.ctx, partner.organization_id, Environment.TEST, Scope.WEBHOOK_ADMIN)
    given = {"url": "http://localhost:9/hook", "alias": "Local"}
    made = await partner.post("/webhook/endpoints", given, key=key)
    there = f"/endpoints/{made.json()['endpoint_id']}"
    headers = {"X-API-Key": key}
    answers = [
        await partner.client.patch(f"/webhook{there}", json={field: None}, headers=headers),
        await script.patch(f"/test{there}", json={field: None}),
    ]
    status = 200 if field in ("event_filter", "schedule_s") else 422
    assert [answer.status_code for answer in answers] == [status, status]
    assert _told(answers[0]) == _told(answers[1])
    if field in given:
        body = given | {field: None}
        answers = [
            await partner.post("/webhook/endpoints", body, key=key),
            await script.post("/test/endpoints", json=body),
        ]
        assert [answer.status_code for answer in answers] == [422, 422]
        assert _told(answers[0]) == _told(answers[1])


def _told(answer: httpx.Response) -> Any:
    """What an answer says, without what differs between two calls."""
    told = answer.json().get("error", answer.json())
    return {name: told[name] for name in told if name not in ("request_id", "updated_at")}


async def test_an_endpoint_is_made_changed_disabled_and_deleted(
    script: httpx.AsyncClient, ctx: AppContext
) -> None:
    wanted = {"url": "http://localhost:9/hook", "alias": "Local", "channel": "order"}
    made = await script.post("/test/endpoints", json=wanted)
    assert made.status_code == 201, made.text
    assert made.json()["secret"].startswith("whsec_test_")
    there = f"/test/endpoints/{made.json()['endpoint_id']}"
    changed = await script.patch(there, json={"alias": "Renamed", "pace_per_s": 7})
    assert (changed.json()["alias"], changed.json()["pace_per_s"]) == ("Renamed", 7)
    assert (await script.post(f"{there}/pause")).json()["status"] == "paused"
    assert (await script.post(f"{there}/resume")).json()["status"] in ("active", "resuming")
    assert (await script.post(f"{there}/resume")).status_code in (200, 409)
    assert (await script.post(f"{there}/disable")).json()["status"] == "disabled"
    assert len((await script.get("/test/endpoints")).json()["endpoints"]) == 1
    assert (await script.delete(there)).json()["deleted_at"] is not None
    assert (await script.get(there)).status_code == 404
    assert (await script.get("/test/endpoints")).json() == {"endpoints": []}
    assert (await script.get("/live/endpoints")).json() == {"endpoints": []}
    assert (await script.get(there.replace("/test/", "/live/"))).status_code == 404
    assert (await script.get("/test/endpoints/x")).status_code == 404
    refused = await script.post("/test/endpoints", json=wanted | {"url": "http://10.0.0.1/"})
    assert refused.status_code == 422
    assert (await script.get("/test/deliveries")).json()["deliveries"] == []
    actions = await audited(ctx)
    assert "endpoint.paused" in actions


async def test_the_audit_log_with_its_filters(script: httpx.AsyncClient, ctx: AppContext) -> None:
    answer = await script.get("/audit", params={"action": "token"})
    [entry] = answer.json()["entries"]
    assert (entry["action"], entry["changes"]["name"]) == ("token.created", "script")
    assert answer.json()["next_before"] is None
    assert (await script.get("/audit", params={"limit": 0})).status_code == 422


async def test_many_calls_note_the_use_once(script: httpx.AsyncClient, ctx: AppContext) -> None:
    await asyncio.gather(*(script.get("/me") for _ in range(20)))
    assert await ctx.database.pool.fetchval("SELECT last_used_at FROM personal_token")
    answer = await script.post("/me")
    assert answer.status_code == 405
    assert answer.headers["x-request-id"].startswith("req_")


async def test_a_token_and_a_wrong_one_have_their_buckets(
    script: httpx.AsyncClient, ctx: AppContext
) -> None:
    """As large as those of keys, and apart from them: reports leave the partner's orders alone."""
    first, again = await script.get("/me"), await script.get("/members")
    write = await script.post("/test/endpoints", json={})
    wrong = await script.get("/me", headers={"Authorization": "Bearer pat_guessed"})
    left = [
        (one.status_code, one.headers["x-ratelimit-limit"], one.headers["x-ratelimit-remaining"])
        for one in (first, again, write, wrong)
    ]
    assert left == [
        (200, "600", "599"),
        (200, "600", "598"),
        (422, "60", "59"),
        (401, "60", "59"),
    ]
    subjects = await ctx.database.pool.fetch("SELECT DISTINCT subject FROM rate_bucket")
    assert {row["subject"].split(":")[0] for row in subjects} == {"token", "ip"}
    await ctx.database.pool.execute(
        "UPDATE rate_bucket SET tokens = 0, counted_at = now() + interval '1 min'"
    )
    refused = await script.get("/me")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert refused.headers["retry-after"] == "1"
    guessed = await script.get("/me", headers={"Authorization": "Bearer pat_guessed"})
    assert guessed.status_code == 429


async def test_live_deliveries_of_an_organization_under_review_are_held(
    script: httpx.AsyncClient, ctx: AppContext, organization: uuid.UUID
) -> None:
    """Its page said held; here they were pending, with a next attempt that never came."""
    live = actor_of(organization, Environment.LIVE)
    await create_endpoint(
        ctx, actor=live, url="https://93.184.215.14/hook", alias="Live", channel="order"
    )
    await publish_order(ctx, organization, environment=Environment.LIVE)
    there = "/live/deliveries"
    [row] = (await script.get(there)).json()["deliveries"]
    assert (row["status"], row["next_attempt_at"] is None) == ("pending", False)
    await ctx.database.pool.execute("UPDATE organization SET status = 'pending_review'")
    [row] = (await script.get(there)).json()["deliveries"]
    assert (row["status"], row["next_attempt_at"]) == ("held", None)
    for status, found in (("held", 1), ("pending", 0), ("undelivered", 1)):
        listed = (await script.get(there, params={"status": status})).json()["deliveries"]
        assert len(listed) == found, status
