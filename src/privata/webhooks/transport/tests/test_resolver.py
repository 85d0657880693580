"""The resolver: judged as a whole, pinned for a fixed time, asked once, and fair about blame."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from privata.webhooks.outcomes import Outcome, Phase
from privata.webhooks.tests.receivers import DEVELOPMENT, Names, post, transport
from privata.webhooks.transport.guard import Policy, Target, parse_url
from privata.webhooks.transport.resolver import Resolver, SystemLookup

PLAIN = Policy()
PUBLIC = ["93.184.215.14", "2606:2800:21f::1"]
NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def _target(host: str) -> Target:
    return parse_url(f"https://{host}/", policy=PLAIN)


async def _resolve(resolver: Resolver, host: str, policy: Policy = PLAIN) -> Outcome | None:
    return (await resolver.resolve(_target(host), policy)).failure


async def test_pins_hold_300_s_from_resolution_and_are_not_extended_by_use() -> None:
    now = 1000.0
    names = Names({"a.com": PUBLIC})
    resolver = Resolver(lookup=names, clock=lambda: now)
    for moment in (1000.0, 1100.0, 1200.0, 1299.9):
        now = moment
        found = await resolver.resolve(_target("a.com"), PLAIN)
        assert found.addresses == tuple(PUBLIC)
    assert len(names.asked) == 1
    now = 1300.0
    await resolver.resolve(_target("a.com"), PLAIN)
    assert len(names.asked) == 2


@pytest.mark.parametrize(
    "answers",
    [
        ["93.184.215.14", "10.0.0.1"],
        ["10.0.0.1", "93.184.215.14"],
        ["93.184.215.14", "::ffff:93.184.215.14"],
        ["fe80::1%lo"],
        ["169.254.169.254"],
    ],
)
async def test_one_bad_answer_refuses_the_host(answers: list[str]) -> None:
    resolver = Resolver(lookup=Names({"a.com": answers}))
    found = await resolver.resolve(_target("a.com"), PLAIN)
    assert (found.failure, found.addresses) == (Outcome.BLOCKED, ())
    assert found.reason


async def test_each_policy_gets_its_own_judgement_of_one_look_up() -> None:
    names = Names({"a.com": PUBLIC})
    resolver = Resolver(lookup=names)
    own = Policy(own_hosts=frozenset({"93.184.215.14"}))
    for _ in range(2):
        assert await _resolve(resolver, "a.com") is None
        assert await _resolve(resolver, "a.com", own) is Outcome.BLOCKED
    assert names.asked == ["a.com"]


async def test_concurrent_look_ups_are_one_and_a_lost_waiter_hurts_nobody() -> None:
    release = asyncio.Event()
    asked = 0

    async def slow(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await release.wait()
        return PUBLIC

    resolver = Resolver(lookup=slow)
    waiters = [asyncio.create_task(_resolve(resolver, "a.com")) for _ in range(20)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    release.set()
    found = await asyncio.gather(*waiters, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [None] * 19
    assert asked == 1


async def test_the_cache_is_bounded() -> None:
    names = Names({f"h{n}.com": PUBLIC for n in range(5)})
    resolver = Resolver(lookup=names, max_pins=3)
    for n in range(5):
        await _resolve(resolver, f"h{n}.com")
    assert [resolver.pinned(_target(f"h{n}.com"), PLAIN) is None for n in range(5)] == [
        True, True, False, False, False,
    ]  # fmt: skip


async def test_addresses_and_localhost_need_no_look_up() -> None:
    names = Names({})
    resolver = Resolver(lookup=names)
    assert (await resolver.resolve(_target("1.1.1.1"), PLAIN)).addresses == ("1.1.1.1",)
    local = parse_url("http://localhost:1/", policy=DEVELOPMENT)
    assert (await resolver.resolve(local, DEVELOPMENT)).addresses == ("127.0.0.1", "::1")
    assert names.asked == []


@pytest.mark.parametrize("error", [NO_NAME, socket.gaierror(socket.EAI_NODATA, "No address")])
async def test_no_such_name_is_theirs(error: OSError) -> None:
    resolver = Resolver(lookup=Names({"a.com": error, "b.com": []}))
    assert await _resolve(resolver, "a.com") is Outcome.DNS
    assert await _resolve(resolver, "b.com") is Outcome.DNS


async def test_a_broken_zone_is_theirs_when_a_reference_answers() -> None:
    now = 0.0
    names = Names({"good.com": PUBLIC, "broken.com": AGAIN})
    resolver = Resolver(lookup=names, clock=lambda: now)
    await _resolve(resolver, "good.com")
    now = 10_000.0  # the pin is long over: a name that resolved once is a reference all the same
    assert await _resolve(resolver, "broken.com") is Outcome.DNS
    assert names.asked == ["good.com", "broken.com", "good.com"]


async def test_a_reference_may_be_named_and_may_answer_no() -> None:
    names = Names({"reference.com": NO_NAME, "broken.com": AGAIN})
    resolver = Resolver(lookup=names, references=("reference.com",))
    assert await _resolve(resolver, "broken.com") is Outcome.DNS


@pytest.mark.parametrize("error", [AGAIN, OSError(5, "Input/output error")])
async def test_without_a_reference_it_is_ours(error: OSError) -> None:
    names = Names({"good.com": PUBLIC, "broken.com": error})
    resolver = Resolver(lookup=names)
    assert await _resolve(resolver, "broken.com") is Outcome.INTERNAL
    await _resolve(resolver, "good.com")
    names.table["good.com"] = AGAIN
    assert await _resolve(resolver, "broken.com") is Outcome.INTERNAL
    names.table["good.com"] = PUBLIC
    names.table["broken.com"] = PUBLIC
    assert await _resolve(resolver, "broken.com") is None


async def test_a_slow_name_has_its_deadline_judged_by_a_reference() -> None:
    never = asyncio.Event()

    async def look_up(host: str) -> Sequence[str]:
        if host == "slow.com":
            await never.wait()
        return PUBLIC

    for references, outcome in ((("good.com",), Outcome.TIMEOUT), ((), Outcome.INTERNAL)):
        resolver = Resolver(lookup=look_up, slow_seconds=0.01, references=references)
        async with transport(resolver) as client:
            result = await post(client, "https://slow.com/", policy=PLAIN, deadline_s=0.2)
        assert (result.outcome, result.phase) == (outcome, Phase.DNS)


async def test_the_real_look_up_knows_this_machine() -> None:
    lookup = SystemLookup(1)
    try:
        assert "127.0.0.1" in await lookup("127.0.0.1")
    finally:
        lookup.close()
