"""Calls that come together are admitted together: each gets its own answer, tokens are exact."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from privata.apikeys.admission import GROUP, Admission, Admitter, Caller, Companion
from privata.apikeys.lockouts import count_failure
from privata.apikeys.tests.making import LIVE, made
from privata.core.ids import base62_token
from privata.infra.context import AppContext
from privata.infra.limits import Kind

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


def caller(
    key: str | None, ip: str | None = HERE, kind: Kind = Kind.READ, limit: int = 600
) -> Caller:
    return Caller(key, ip, "tests", kind, limit, 60)


def left_of(admissions: list[Admission]) -> list[int]:
    found = []
    for admission in admissions:
        assert admission.allowance is not None
        found.append(int(admission.allowance.tokens))
    return found


async def test_calls_at_once_are_told_apart(ctx: AppContext, organization: UUID) -> None:
    test = (await made(ctx, organization)).key
    live = (await made(ctx, organization, LIVE)).key
    admitter = Admitter(ctx)
    answers = await asyncio.gather(
        admitter.admit(caller(test)),
        admitter.admit(caller(live)),
        admitter.admit(caller(None)),
        admitter.admit(caller(f"pk_test_{base62_token()}")),
        admitter.admit(caller("not a key")),
        admitter.admit(caller(test, ELSEWHERE, Kind.WRITE, 10)),
        admitter.admit(caller(None, None)),
    )
    environments = [one.actor.environment.value if one.actor else None for one in answers]
    assert environments == ["test", "live", None, None, None, "test", None]
    assert [one.actor.ip for one in answers if one.actor] == [HERE, HERE, ELSEWHERE]
    # Each key draws on the bucket of its environment; who has none, on that of the address.
    assert left_of(answers) == [599, 599, 59, 58, 57, 9, 59]
    assert [one.allowance.limit for one in answers if one.allowance] == [
        600,
        600,
        *[60] * 3,
        10,
        60,
    ]


async def test_a_group_takes_exactly_what_is_there(ctx: AppContext, organization: UUID) -> None:
    """More calls than the bucket holds and than one statement takes: the first ones pass."""
    key = (await made(ctx, organization)).key
    admitter = Admitter(ctx)
    limit = 2 * GROUP + 5
    began = time.monotonic()
    answers = await asyncio.gather(
        *(admitter.admit(caller(key, limit=limit)) for _ in range(limit + 40))
    )
    refilled = int((time.monotonic() - began) * limit / 60) + 1
    granted = [one.allowance.granted for one in answers if one.allowance]
    assert limit <= sum(granted) <= limit + refilled
    first = left_of(answers[:GROUP])
    in_order = [max(0, first[0] - n) for n in range(GROUP)]
    assert first == in_order, "whichever group is first, its calls pass in the order they came"
    again = await admitter.admit(caller(key, limit=limit))
    assert again.allowance is not None
    assert again.allowance.retry_after_s >= 1 or again.allowance.granted


async def test_a_bucket_smaller_than_the_group(ctx: AppContext, organization: UUID) -> None:
    """A new bucket is never asked for more than it holds."""
    key = (await made(ctx, organization)).key
    admitter = Admitter(ctx)
    answers = await asyncio.gather(
        *(admitter.admit(caller(key, kind=Kind.OFFERS, limit=10)) for _ in range(30))
    )
    assert sum(one.allowance.granted for one in answers if one.allowance) == 10
    assert left_of(answers) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0] + [0] * 20


async def test_a_locked_out_address_takes_nobody_along(ctx: AppContext, organization: UUID) -> None:
    key = (await made(ctx, organization)).key
    for _ in range(5):
        await count_failure(ctx, f"pk_test_{base62_token()}", ip=ELSEWHERE)
    admitter = Admitter(ctx)
    locked, free = await asyncio.gather(
        admitter.admit(caller(key, ELSEWHERE)), admitter.admit(caller(key))
    )
    assert locked.locked_until is not None
    assert locked.actor is None
    assert free.actor is not None
    assert left_of([free]) == [599], "who is locked out takes no token"


@pytest.fixture(params=[False, True], ids=["merged", "apart"])
def either(ctx: AppContext, request: pytest.FixtureRequest) -> AppContext:
    """The companion comes along with the admission, or is read by itself."""
    settings = ctx.settings.model_copy(update={"database_distributed": request.param})
    return replace(ctx, settings=settings)


async def test_each_call_has_its_own_companion(either: AppContext, organization: UUID) -> None:
    ctx = either
    key = (await made(ctx, organization)).key
    echo = Companion("SELECT found.organization_id AS whose, call.about AS about")
    admitter = Admitter(ctx, echo)
    keys = [key, None, key, key]
    answers = await asyncio.gather(
        *(admitter.admit(caller(sent), f"order {n}") for n, sent in enumerate(keys))
    )
    seen = [one.companion["about"] if one.companion else None for one in answers]
    assert seen == ["order 0", None, "order 2", "order 3"]
    assert {one.companion["whose"] for one in answers if one.companion} == {organization}


async def test_who_hangs_up_takes_no_answer_along(ctx: AppContext, organization: UUID) -> None:
    key = (await made(ctx, organization)).key
    admitter = Admitter(ctx)
    calls = [asyncio.create_task(admitter.admit(caller(key))) for _ in range(6)]
    await asyncio.sleep(0)
    for gone in calls[::2]:
        gone.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in answers[::2]] == [asyncio.CancelledError] * 3
    assert all(isinstance(one, Admission) and one.actor for one in answers[1::2])


async def test_where_it_is_apart_a_call_that_is_not_let_in_reads_nothing(
    ctx: AppContext, organization: UUID
) -> None:
    key = (await made(ctx, organization)).key
    apart = replace(ctx, settings=ctx.settings.model_copy(update={"database_distributed": True}))
    admitter = Admitter(apart, Companion("SELECT 1 / (call.about <> 'x')::int AS never"))
    assert (await admitter.admit(caller(key, limit=1), "fine")).companion is not None
    refused = await admitter.admit(caller(key, limit=1), "x")
    assert refused.allowance is not None
    assert not refused.allowance.granted
    assert refused.companion is None
    assert (await admitter.admit(caller("pk_test_wrong"), "x")).companion is None


async def test_a_failing_database_fails_each_call_and_is_asked_again(
    either: AppContext, organization: UUID
) -> None:
    ctx = either
    key = (await made(ctx, organization)).key
    broken = Admitter(ctx, Companion("SELECT 1 / (call.about = '')::int AS never"))
    answers = await asyncio.gather(
        *(broken.admit(caller(key), "x") for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in answers] == [asyncpg.DivisionByZeroError] * 3
    assert (await broken.admit(caller(key), "")).actor is not None


async def test_a_key_is_noted_once_a_minute(ctx: AppContext, organization: UUID) -> None:
    key = (await made(ctx, organization)).key
    admitter = Admitter(ctx)
    await asyncio.gather(*(admitter.admit(caller(key)) for _ in range(5)))
    await asyncio.gather(*(admitter.admit(caller(key, ELSEWHERE)) for _ in range(5)))
    noted = await ctx.database.pool.fetchrow(
        "SELECT last_used_at > now() - interval '1 minute' AS fresh, host(last_used_ip) AS ip"
        " FROM api_key_secret"
    )
    assert noted is not None
    assert tuple(noted) == (True, HERE)


async def test_groups_of_many_callers_never_wait_for_each_other(
    ctx: AppContext, organization: UUID
) -> None:
    """Buckets asked for in opposite orders by two processes at once: no deadlock, exact tokens."""
    key = (await made(ctx, organization)).key
    sides = [Admitter(ctx), Admitter(ctx)]
    kinds = list(Kind)
    for _ in range(40):
        await asyncio.gather(
            *(sides[0].admit(caller(key, kind=kind, limit=10_000)) for kind in kinds),
            *(sides[1].admit(caller(key, kind=kind, limit=10_000)) for kind in reversed(kinds)),
        )
    rows = await ctx.database.pool.fetch("SELECT tokens FROM rate_bucket")
    assert len(rows) == len(kinds)
    assert all(row["tokens"] >= 10_000 - 80 for row in rows)


@pytest.mark.parametrize("bad", ["", "x" * 300, "pk_test_\x00", "ключ"])
async def test_what_is_no_key_harms_nobody_in_its_group(
    ctx: AppContext, organization: UUID, bad: str
) -> None:
    key = (await made(ctx, organization)).key
    admitter = Admitter(ctx)
    wrong, right = await asyncio.gather(admitter.admit(caller(bad)), admitter.admit(caller(key)))
    assert wrong.actor is None
    assert right.actor is not None
