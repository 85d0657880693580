"""Whose fault is silence: the receiver's when others answer, ours when nobody does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from privata.webhooks.outcomes import Outcome, Phase
from privata.webhooks.tests.receivers import Names, loopback_policy, post, system_roots
from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.reachability import MAX_REFERENCES, ReachabilityCheck, SocketAddress
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import Transport

SILENT: SocketAddress = ("192.0.2.1", 443)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that the kernel drops the next ones."""
    with ExitStack() as stack:
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        bound.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(bound.getsockname())
        yield bound.getsockname()[1]


async def _nobody(_peer: SocketAddress) -> None:
    await asyncio.Event().wait()


async def _post_to_silence(port: int, network: ReachabilityCheck) -> tuple[Outcome, Phase | None]:
    resolver = Resolver(lookup=Names({"a.com": ["127.0.0.1"]}))
    client = Transport(resolver, network=network, ssl_context=system_roots())
    try:
        policy: Policy = loopback_policy(port)
        result = await post(client, f"https://a.com:{port}/", policy=policy, deadline_s=0.2)
    finally:
        await client.aclose()
    return result.outcome, result.phase


async def test_without_a_reference_silence_is_theirs(silent_port: int) -> None:
    found = await _post_to_silence(silent_port, ReachabilityCheck(_nobody))
    assert found == (Outcome.TIMEOUT, Phase.CONNECT)


async def test_with_a_silent_reference_it_is_ours(silent_port: int) -> None:
    network = ReachabilityCheck(_nobody)
    network.heard(SILENT, 0.0)
    assert await _post_to_silence(silent_port, network) == (Outcome.INTERNAL, Phase.CONNECT)


async def test_when_another_answered_meanwhile_it_is_theirs(silent_port: int) -> None:
    network = ReachabilityCheck(_nobody)
    loop = asyncio.get_running_loop()

    async def answering() -> None:
        # Over and over: once, after a time, could be before the attempt on a slow machine.
        while True:
            network.heard(SILENT, loop.time())
            await asyncio.sleep(0.01)

    other = asyncio.create_task(answering())
    try:
        assert await _post_to_silence(silent_port, network) == (Outcome.TIMEOUT, Phase.CONNECT)
    finally:
        other.cancel()


@pytest.mark.parametrize(
    ("error", "there"),
    [(None, True), (ConnectionRefusedError(), True), (OSError(113, "no route"), False)],
)
async def test_asking(error: OSError | None, there: bool) -> None:
    asked: list[SocketAddress] = []

    async def connect(peer: SocketAddress) -> None:
        asked.append(peer)
        if error is not None:
            raise error

    network = ReachabilityCheck(connect)
    now = asyncio.get_running_loop().time()
    reference = ("198.51.100.1", 443)
    network.heard(SILENT, now - 10)
    assert network.network_was_there(now, SILENT)
    network.heard(reference, now - 20)
    assert not network.network_was_there(now, SILENT)
    network.ask(SILENT)
    network.ask(SILENT)
    while not asked:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert asked == [reference]
    assert network.network_was_there(now, SILENT) is there
    await network.aclose()


async def test_a_real_connection_is_a_reference(silent_port: int) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    network = ReachabilityCheck()
    now = asyncio.get_running_loop().time()
    network.heard(server.sockets[0].getsockname()[:2], now - 10)
    network.ask(SILENT)
    while not network.network_was_there(now, SILENT):
        await asyncio.sleep(0.005)
    await network.aclose()
    server.close()
    await server.wait_closed()


def test_memory_is_bounded() -> None:
    network = ReachabilityCheck(_nobody)
    for port in range(MAX_REFERENCES + 10):
        network.heard(("192.0.2.1", port), float(port))
    assert network.network_was_there(MAX_REFERENCES + 9, SILENT)
    assert len(network._heard) == MAX_REFERENCES
