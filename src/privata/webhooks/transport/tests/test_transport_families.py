"""Every address of a name gets its chance, and what cannot be reached is blamed by evidence.

The sockets and the connections are real; what the routing table says is injected, because every
machine has a way to itself.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from privata.webhooks.engine.own_faults import ALARM_EVERY_S, LONGEST_WAKE_S, OwnFaults
from privata.webhooks.outcomes import Outcome, Phase, diagnose
from privata.webhooks.tests.certificates import Authority
from privata.webhooks.tests.receivers import (
    OK,
    Names,
    answering,
    loopback_policy,
    post,
    receiver,
    system_roots,
)
from privata.webhooks.transport.dialing import ABREAST, interleaved
from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.reachability import ReachabilityCheck, SocketAddress
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.routes import Routes, family_of
from privata.webhooks.transport.tests.test_reachability import _nobody, silent_port
from privata.webhooks.transport.transport import SendResult, Transport

__all__ = ["silent_port"]

HOST = "hooks.example.com"
MINUTE_S = 60
V4, V6 = "93.184.215.14", "2606:2800:21f::1"


async def _anybody(_peer: SocketAddress) -> None:
    """Whoever is asked answers."""


def _unreachable(number: int) -> OSError:
    return OSError(number, "no way")


class Net:
    """What this machine's network does: the routes it has and what connecting ends in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, routes: str = "46") -> None:
        self.routes = routes
        self.errors: dict[str, OSError | None] = {}
        self.no_route_to: set[str] = set()
        self.tried: list[str] = []
        loop = asyncio.get_running_loop()
        connect = loop.create_connection

        async def connected(factory: Any, host: str, *rest: Any, **more: Any) -> Any:
            self.tried.append(host)
            if host in self.errors:
                error = self.errors[host]
                if error is not None:
                    raise error
                await asyncio.Event().wait()  # for ever
            return await connect(factory, host, *rest, **more)

        monkeypatch.setattr(loop, "create_connection", connected)

    def look_up(self, address: str) -> None:
        if str(family_of(address)) not in self.routes or address in self.no_route_to:
            raise _unreachable(errno.ENETUNREACH)

    async def send(
        self,
        addresses: list[str],
        *,
        network: ReachabilityCheck | None = None,
        policy: Policy | None = None,
        port: int = 443,
        context: Any = None,
        deadline_s: float = 5.0,
    ) -> SendResult:
        resolver = Resolver(lookup=Names({HOST: addresses}))
        client = Transport(
            resolver,
            network=network or ReachabilityCheck(_nobody),
            routes=Routes(self.look_up),
            ssl_context=context or system_roots(),
        )
        try:
            return await post(
                client,
                f"https://{HOST}:{port}/",
                policy=policy or Policy(),
                deadline_s=deadline_s,
            )
        finally:
            await client.aclose()
            await resolver.aclose()


NO_ROUTE = [errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EINVAL]


@pytest.mark.parametrize("number", NO_ROUTE)
async def test_only_ipv6_addresses_on_a_host_without_ipv6_is_ours_and_says_so(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    net = Net(monkeypatch, routes="4")
    net.errors[V6] = _unreachable(number)
    result = await net.send([V6])
    assert (result.outcome, result.reason, result.way) == (Outcome.INTERNAL, "no_ipv6", "ipv6")
    told = diagnose(result.outcome, None, result.duration_ms, result.detail)
    assert "It does not count against your endpoint" in told.text
    assert "We cannot reach IPv6 addresses from here" in told.text
    assert "A record" in told.text


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES])
@pytest.mark.parametrize(("address", "reference"), [(V4, "8.8.8.8"), (V6, "2001:500::1")])
async def test_an_address_that_leads_nowhere_is_theirs_when_the_family_has_a_way(
    monkeypatch: pytest.MonkeyPatch, number: int, address: str, reference: str
) -> None:
    """By this machine's table or by a router far away: it was ours, for ever, whoever chose it.

    The refusal comes at once, so nobody can have been heard meanwhile: the reference host has to be
    asked.
    """
    for nowhere in (set(), {address}):
        net = Net(monkeypatch)
        net.errors[address] = _unreachable(number)
        net.no_route_to = nowhere
        network = ReachabilityCheck(_anybody)
        network.heard((reference, 443), asyncio.get_running_loop().time() - MINUTE_S)
        result = await net.send([address], network=network)
        assert (result.outcome, result.phase) == (Outcome.CONNECTION, Phase.CONNECT)
        assert "The host is unreachable" in result.detail


async def test_many_dead_addresses_are_theirs_when_the_family_has_a_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is given up before its silence shows, so nobody was asked, and it was ours for ever."""
    net = Net(monkeypatch)
    dead = [f"93.184.215.{number}" for number in range(1, 31)]
    net.errors = dict.fromkeys(dead)
    network = ReachabilityCheck(_anybody)
    network.heard(("8.8.8.8", 443), asyncio.get_running_loop().time() - MINUTE_S)
    result = await net.send(dead, network=network, deadline_s=1.5)
    assert (result.outcome, result.phase) == (Outcome.TIMEOUT, Phase.CONNECT)


async def test_a_reference_is_asked_though_others_are_being_asked_about_itself() -> None:
    """Asking about a place leaves it out, and it may be the one that can tell of another."""
    now = asyncio.get_running_loop().time()
    alive, dead = ("8.8.8.8", 443), ("8.8.4.4", 443)

    async def connect(peer: SocketAddress) -> None:
        if peer == dead:
            await asyncio.Event().wait()

    network = ReachabilityCheck(connect)
    network.heard(alive, now - MINUTE_S)
    network.heard(dead, now - MINUTE_S)
    network.ask(alive)
    assert await network.answers((V4, 443), now, now + MINUTE_S)
    await network.aclose()


async def test_references_are_not_waited_for_beyond_the_deadline() -> None:
    now = asyncio.get_running_loop().time()
    network = ReachabilityCheck(_nobody)
    network.heard(("8.8.8.8", 443), now - MINUTE_S)
    assert not await network.answers((V4, 443), now, now + 0.05)
    (asking,) = network._asking.values()
    assert not asking.done()
    await network.aclose()


@pytest.mark.parametrize(
    ("reference", "reason"), [("2001:500::1", "network_silent_ipv6"), ("8.8.8.8", "unproven_ipv6")]
)
async def test_a_router_that_says_no_is_ours_when_nobody_of_the_family_answers(
    monkeypatch: pytest.MonkeyPatch, reference: str, reason: str
) -> None:
    """Nobody any more, or nobody yet: a route for IPv6 may end at the first router."""
    net = Net(monkeypatch)
    net.errors[V6] = _unreachable(errno.EHOSTUNREACH)
    network = ReachabilityCheck(_nobody)
    network.heard((reference, 443), 0.0)
    result = await net.send([V6], network=network)
    assert (result.outcome, result.reason, result.way) == (Outcome.INTERNAL, reason, "ipv6")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EPERM, errno.EADDRNOTAVAIL])
async def test_what_this_machine_lacks_is_ours_whatever_the_routes(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    net = Net(monkeypatch)
    net.errors[V4] = _unreachable(number)
    result = await net.send([V4])
    assert (result.outcome, result.way) == (Outcome.INTERNAL, "")


async def test_theirs_comes_before_ours_and_ours_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, routes="4")
    net.errors = {V6: _unreachable(errno.ENETUNREACH), V4: ConnectionRefusedError(111, "refused")}
    result = await net.send([V6, V4])
    assert (result.outcome, result.reason) == (Outcome.CONNECTION, "ECONNREFUSED")
    assert "Nothing is listening on this port" in result.detail
    assert "Its IPv6 addresses were not tried" in result.detail


def test_families_take_turns() -> None:
    assert interleaved(["::1", "::2", "::3", "1.1.1.1"]) == ["::1", "1.1.1.1", "::2", "::3"]
    assert interleaved(["1.1.1.1", "1.1.1.2", "::1"]) == ["1.1.1.1", "::1", "1.1.1.2"]
    assert interleaved([]) == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


async def test_every_address_has_its_chance_within_the_deadline(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """Only the first four were tried, one after the other, whatever the name's other addresses."""
    net = Net(monkeypatch)
    dead = [f"127.0.1.{n}" for n in range(1, 10)]
    net.errors = dict.fromkeys(dead)
    async with receiver(answering(OK), context=authority.server(HOST)) as server:
        result = await net.send(
            [*dead, "127.0.0.1"],
            policy=loopback_policy(server.port, "127.0.0.0/8"),
            port=server.port,
            context=authority.trusting(),
            deadline_s=15.0,
        )
    assert (result.outcome, result.address) == (Outcome.DELIVERED, "127.0.0.1")
    assert net.tried == [*dead, "127.0.0.1"]


async def test_few_connections_are_under_way_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch)
    under_way = most = 0
    loop = asyncio.get_running_loop()

    async def hanging(*_: Any, **__: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            await asyncio.Event().wait()
        finally:
            under_way -= 1

    monkeypatch.setattr(loop, "create_connection", hanging)
    addresses = [f"93.184.215.{n}" for n in range(1, 40)]
    result = await net.send(addresses, deadline_s=0.4)
    assert (result.outcome, result.phase) == (Outcome.TIMEOUT, Phase.CONNECT)
    # One that was given up is cancelled in the next turn of the loop.
    assert ABREAST <= most <= ABREAST + 1
    await asyncio.sleep(0)
    assert under_way == 0


async def test_a_silent_address_does_not_hold_up_the_next(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, silent_port: int
) -> None:
    """A real port that drops what comes; the family of the second address is the other one."""
    net = Net(monkeypatch)
    with ExitStack() as stack:
        try:
            bound = stack.enter_context(
                socket.create_server(("::1", silent_port), family=socket.AF_INET6)
            )
        except OSError:
            net.errors["::1"] = ConnectionRefusedError(111, "there is no IPv6 here")
            bound = None
        policy = Policy(
            allowed_cidrs=(
                *loopback_policy(1).allowed_cidrs,
                *loopback_policy(1, "::1/128").allowed_cidrs,
            ),
            extra_ports=frozenset({silent_port}),
        )
        result = await net.send(
            ["127.0.0.1", "::1"], policy=policy, port=silent_port, deadline_s=1.0
        )
    assert net.tried == ["127.0.0.1", "::1"]
    assert result.phase is (Phase.TLS if bound is not None else Phase.CONNECT)


def test_the_real_routing_table_is_asked_without_sending() -> None:
    routes = Routes(anchors={4: ("127.0.0.1",), 6: ()})
    assert routes.to("127.0.0.1")
    assert routes.of_family(4)
    assert not routes.of_family(6)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _ours(way: str = "ipv6", reason: str = "no_ipv6") -> SendResult:
    return SendResult(Outcome.INTERNAL, 1.0, reason=reason, way=way)


def test_the_log_names_our_fault_and_what_to_do_but_not_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    faults = OwnFaults(clock)
    for _ in range(100):
        faults.note(_ours())
    assert caplog.text.count("OUR FAULT") == 1
    assert "no route to IPv6" in caplog.text
    clock.now += ALARM_EVERY_S
    faults.note(_ours())
    assert caplog.text.count("OUR FAULT") == 2
    assert "101 time(s)" in caplog.text


async def test_what_waits_is_woken_when_the_way_is_back_and_more_rarely_if_it_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    faults = OwnFaults(clock)
    caplog.set_level(logging.CRITICAL)

    def saying(back: bool) -> Callable[[str], Any]:
        async def is_back(way: str) -> bool:
            assert way == "ipv6"
            return back

        return is_back

    assert not await faults.came_back(saying(True))
    faults.note(_ours())
    faults.note(_ours(way="", reason="EMFILE"))
    assert not await faults.came_back(saying(False))
    assert await faults.came_back(saying(True))
    assert not await faults.came_back(saying(True))
    woken = 0
    for _ in range(24 * 3600 // 5):  # a day on which it says that it works and does not
        clock.now += 5
        faults.note(_ours())
        woken += await faults.came_back(saying(True))
    assert woken <= 24 * 3600 / LONGEST_WAKE_S + 10
