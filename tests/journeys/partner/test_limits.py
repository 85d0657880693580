"""Rate limits and lockouts over real HTTP, exact over processes (docs/rate-limits.md)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from privata.apikeys.lockouts import FAILURES, LOCKED_FOR, end_due_lockouts
from privata.apikeys.scopes import Scope
from privata.core.ids import base62_token
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from tests.conftest import Partner, mint
from tests.servers import running_api

HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
WRONG = "pk_test_" + "A" * 43


@asynccontextmanager
async def four_processes(settings: Settings, **more: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Four servers on one database, and a client of each."""
    async with AsyncExitStack() as stack:
        urls = await asyncio.gather(
            *(stack.enter_async_context(running_api(settings, **more)) for _ in range(4))
        )
        yield [await stack.enter_async_context(httpx.AsyncClient(base_url=url)) for url in urls]


def numbers(answer: httpx.Response) -> tuple[int, int, int]:
    limit, remaining, reset = (int(answer.headers[name]) for name in HEADERS)
    return limit, remaining, reset


async def test_every_answer_says_what_is_left(partner: Partner) -> None:
    before = time.time()
    first = await partner.get("/me/nothing")
    again = await partner.get("/currencies")
    write = await partner.post("/order/create", {})
    keyless = await partner.client.get("/currencies", headers={"X-API-Key": ""})
    assert (first.status_code, numbers(first)[:2]) == (404, (600, 599))
    assert numbers(again)[:2] in {(600, 598), (600, 599)}
    assert before <= numbers(again)[2] <= time.time() + 61
    assert (write.status_code, numbers(write)[:2]) == (422, (60, 59))
    assert (keyless.status_code, numbers(keyless)[:2]) == (401, (60, 59))
    offers = await partner.client.get("/estimate?from=BTC&to=ETH&amount=0.1&include=all")
    assert numbers(offers)[:2] == (10, 9)


async def test_an_empty_bucket_answers_429_and_fills_up(partner: Partner) -> None:
    await partner.ctx.database.pool.execute(
        "INSERT INTO rate_bucket (subject, kind, tokens, counted_at, granted)"
        " VALUES ($1, 'write', 0.2, now(), 1)",
        f"{partner.organization_id}:test",
    )
    refused = await partner.post("/order/create", {})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (429, "RATE_LIMITED")
    assert refused.headers["retry-after"] == "1"
    assert numbers(refused)[:2] == (60, 0)
    assert (await partner.get("/currencies")).status_code == 200, "reads have a bucket of their own"
    await partner.ctx.database.pool.execute(
        "UPDATE rate_bucket SET counted_at = counted_at - interval '3 seconds' WHERE kind = 'write'"
    )
    assert [(await partner.post("/order/create", {})).status_code for _ in range(3)] == [422] * 3


async def test_test_traffic_does_not_use_up_the_live_quota(partner: Partner) -> None:
    """A load test in the sandbox kept the same partner's live orders out."""
    await partner.get("/currencies")
    await partner.ctx.database.pool.execute(
        "UPDATE rate_bucket SET tokens = 0, counted_at = now() + interval '1 min'"
    )
    assert (await partner.get("/currencies")).status_code == 429
    live = await partner.get("/currencies", key=partner.live_key)
    assert (live.status_code, numbers(live)[:2]) == (200, (600, 599))
    rows = await partner.ctx.database.pool.fetch("SELECT subject FROM rate_bucket")
    named = {f"{partner.organization_id}:{environment}" for environment in ("live", "test")}
    assert {row["subject"] for row in rows} == named


async def test_a_bucket_is_exact_over_four_processes(
    settings: Settings, ctx: AppContext, partner: Partner
) -> None:
    """300 calls at once, spread over four programs: exactly as many pass as the bucket holds."""
    limits = {"PRIVATA_RATE_READS_PER_MINUTE": "100"}
    async with four_processes(settings, **limits) as clients:
        began = time.monotonic()
        answers = await asyncio.gather(
            *(
                clients[n % 4].get(
                    "/currencies",
                    headers={"X-API-Key": partner.test_key, "X-Forwarded-For": f"198.51.100.{n}"},
                )
                for n in range(300)
            )
        )
        refilled = int((time.monotonic() - began) * 100 / 60) + 1
    counts = Counter(answer.status_code for answer in answers)
    assert set(counts) == {200, 429}
    assert 100 <= counts[200] <= 100 + refilled
    left = sorted(numbers(answer)[1] for answer in answers if answer.status_code == 200)
    assert left[-1] == 99


async def test_the_bucket_belongs_to_the_organization_not_to_the_key(partner: Partner) -> None:
    other = await mint(partner.ctx, partner.organization_id, Environment.TEST)
    first = numbers(await partner.get("/currencies"))[1]
    second = numbers(await partner.get("/currencies", key=other))[1]
    assert second == first - 1


async def test_five_wrong_keys_lock_an_address_out_over_four_processes(
    settings: Settings, partner: Partner
) -> None:
    """Sent all at once to four programs, with forged addresses: five answers, then none."""
    async with four_processes(settings) as clients:
        answers = await asyncio.gather(
            *(
                clients[n % 4].get(
                    "/currencies",
                    headers={
                        "X-API-Key": f"pk_test_{base62_token()}",
                        "X-Forwarded-For": f"198.51.100.{n}",
                    },
                )
                for n in range(40)
            )
        )
        codes = Counter(answer.json()["error"]["code"] for answer in answers)
        assert codes == {"INVALID_KEY": FAILURES, "RATE_LIMITED": 40 - FAILURES}
        good = await clients[0].get("/currencies", headers={"X-API-Key": partner.test_key})
        assert (good.status_code, good.json()["error"]["code"]) == (429, "RATE_LIMITED")
        assert 0 < int(good.headers["retry-after"]) <= LOCKED_FOR.total_seconds()
        assert numbers(good)[1] == 0
        assert (await clients[1].get("/currencies")).status_code == 429, "the address, not the key"


async def test_proxies_are_believed_only_when_trusted(settings: Settings, partner: Partner) -> None:
    trusted = {"PRIVATA_TRUSTED_PROXIES": "127.0.0.0/8"}
    async with running_api(settings, **trusted) as url, httpx.AsyncClient(base_url=url) as client:
        guesser = {"X-API-Key": WRONG, "X-Forwarded-For": "10.9.8.7, 198.51.100.66"}
        seen = [
            (await client.get("/currencies", headers=guesser)).status_code
            for _ in range(FAILURES + 1)
        ]
        assert seen == [401] * FAILURES + [429]
        for address, status in (("198.51.100.66", 429), ("198.51.100.67", 200)):
            headers = {"X-API-Key": partner.test_key, "X-Forwarded-For": address}
            assert (await client.get("/currencies", headers=headers)).status_code == status


async def test_the_organization_of_a_tried_prefix_is_told(partner: Partner) -> None:
    ctx, pool = partner.ctx, partner.ctx.database.pool
    wrong = partner.test_key[:16] + "A" * 35
    for _ in range(FAILURES):
        assert (await partner.get("/currencies", key=wrong)).status_code == 401
    assert (await partner.get("/currencies", key=wrong)).status_code == 429
    told = await pool.fetch("SELECT type, environment, organization_id FROM event ORDER BY seq")
    assert [tuple(row) for row in told] == [("api_key_locked", "test", partner.organization_id)]
    assert await end_due_lockouts(ctx) == 0
    await pool.execute(
        "UPDATE key_lockout SET locked_at = now() - interval '16 min', locked_until = now()"
    )
    ended = await asyncio.gather(end_due_lockouts(ctx), end_due_lockouts(ctx))
    assert sorted(ended) == [0, 1]
    types = [row["type"] for row in await pool.fetch("SELECT type FROM event ORDER BY seq")]
    assert types == ["api_key_locked", "api_key_unlocked"]
    assert (await partner.get("/currencies")).status_code == 200


async def test_a_lockout_that_ran_out_is_told_of_before_the_next_begins(partner: Partner) -> None:
    pool = partner.ctx.database.pool
    wrong = partner.test_key[:16] + "A" * 35
    for _ in range(2):
        for _ in range(FAILURES):
            assert (await partner.get("/currencies", key=wrong)).status_code == 401
        await pool.execute(
            "UPDATE key_lockout SET locked_at = now() - interval '16 min', locked_until = now()"
        )
        await pool.execute("DELETE FROM key_failure")
    types = [row["type"] for row in await pool.fetch("SELECT type FROM event ORDER BY seq")]
    assert types == ["api_key_locked", "api_key_unlocked", "api_key_locked"]


async def test_failures_older_than_a_minute_do_not_count(partner: Partner) -> None:
    pool = partner.ctx.database.pool
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert (await partner.get("/currencies", key=WRONG)).status_code == 401
        await pool.execute(
            "UPDATE key_failure SET failures = ARRAY(SELECT at - interval '61 s'"
            " FROM unnest(failures) AS at)"
        )
    assert (await partner.get("/currencies")).status_code == 200


async def test_a_missing_key_counts_as_a_wrong_one(partner: Partner) -> None:
    seen = [(await partner.client.get("/order/x")).status_code for _ in range(FAILURES + 1)]
    assert seen == [401] * FAILURES + [429]


@pytest.mark.parametrize(("cidrs", "status"), [("{127.0.0.0/8}", 200), ("{10.0.0.0/8}", 401)])
async def test_a_key_may_be_bound_to_networks(partner: Partner, cidrs: str, status: int) -> None:
    await partner.ctx.database.pool.execute("UPDATE api_key SET allowed_cidrs = $1", [cidrs[1:-1]])
    assert (await partner.get("/currencies")).status_code == status


async def test_the_use_of_a_key_is_noted_once_a_minute(partner: Partner) -> None:
    pool = partner.ctx.database.pool
    question = "SELECT last_used_at, host(last_used_ip) FROM api_key_secret ORDER BY id LIMIT 1"
    await partner.get("/currencies")
    first = await pool.fetchrow(question)
    assert first is not None
    assert first[1] == "127.0.0.1"
    await partner.get("/currencies")
    assert await pool.fetchrow(question) == first
    await pool.execute("UPDATE api_key_secret SET last_used_at = now() - interval '61 s'")
    await partner.get("/currencies")
    later = await pool.fetchval(question)
    assert later > first[0]


async def test_probers_on_the_list_ask_health_without_limit(
    settings: Settings, partner: Partner
) -> None:
    few = {"PRIVATA_RATE_KEYLESS_PER_MINUTE": "2"}
    listed = few | {"PRIVATA_HEALTH_PROBERS": "127.0.0.1/32"}
    async with running_api(settings, **listed) as url, httpx.AsyncClient(base_url=url) as client:
        assert [(await client.get("/health")).status_code for _ in range(5)] == [200] * 5
        codes = [(await client.get("/currencies")).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
    async with running_api(settings, **few) as url, httpx.AsyncClient(base_url=url) as client:
        assert [(await client.get("/health")).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("path", ["/currencies", "/order/x", "/events"])
async def test_a_publishable_key_opens_nothing_here(partner: Partner, path: str) -> None:
    key = await mint(partner.ctx, partner.organization_id, Environment.TEST, Scope.RAMP_EMBED)
    answer = await partner.get(path, key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SCOPE_REQUIRED")
