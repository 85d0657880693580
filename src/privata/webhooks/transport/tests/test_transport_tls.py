"""TLS: verified against the name, connected to the judged address, never downgraded."""

from __future__ import annotations

import asyncio
import re
import ssl
import warnings

import pytest

from privata.webhooks.outcomes import Outcome, Phase
from privata.webhooks.tests.certificates import Authority
from privata.webhooks.tests.receivers import (
    OK,
    Names,
    Receiver,
    answering,
    loopback_policy,
    post,
    receiver,
    transport,
)
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import SendResult, default_ssl_context

HOST = "hooks.example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def _resolver(*addresses: str) -> Resolver:
    return Resolver(lookup=Names({HOST: addresses or ("127.0.0.1",)}))


async def _send(server: Receiver, context: ssl.SSLContext, times: int = 1) -> list[SendResult]:
    policy = loopback_policy(server.port)
    async with transport(_resolver(), ssl_context=context) as client:
        url = f"https://{HOST}:{server.port}/hook"
        return [await post(client, url, policy=policy, deadline_s=3.0) for _ in range(times)]


async def test_delivered_with_the_name_in_tls_and_host(authority: Authority) -> None:
    names: list[str | None] = []
    context = authority.server(HOST)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    async with receiver(answering(OK), context=context) as server:
        first, second = await _send(server, authority.trusting(), times=2)
    assert (first.outcome, first.address, first.reused) == ("delivered", "127.0.0.1", False)
    assert (second.outcome, second.reused) == ("delivered", True)
    assert names == [HOST]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("name", "days", "self_signed", "word"),
    [
        (HOST, -1, False, "expired"),
        ("other.example.com", 30, False, "another host name"),
        (HOST, 30, True, "self-signed"),
    ],
)
async def test_bad_certificates(
    authority: Authority, name: str, days: int, self_signed: bool, word: str
) -> None:
    context = authority.server(name, days=days, self_signed=self_signed)
    async with receiver(answering(OK), context=context) as server:
        (result,) = await _send(server, authority.trusting())
    assert (result.outcome, result.phase) == (Outcome.TLS, Phase.TLS)
    assert word in result.detail
    assert re.fullmatch(r"verify_\d+", result.reason), "the name of a cause names no host"


async def test_unknown_root(authority: Authority) -> None:
    async with receiver(answering(OK), context=authority.server(HOST)) as server:
        (result,) = await _send(server, default_ssl_context())
    assert result.outcome is Outcome.TLS
    assert "issuer" in result.detail


async def test_old_tls_is_refused(authority: Authority) -> None:
    context = authority.server(HOST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with receiver(answering(OK), context=context) as server:
        (result,) = await _send(server, authority.trusting())
    assert result.outcome is Outcome.TLS


async def test_a_server_that_demands_a_certificate_of_ours(authority: Authority) -> None:
    context = authority.server(HOST)
    context.verify_mode = ssl.CERT_REQUIRED
    async with receiver(answering(OK), context=context) as server:
        (result,) = await _send(server, authority.trusting())
    assert result.outcome in {Outcome.TLS, Outcome.CONNECTION}
    assert result.status_code is None


async def test_a_port_without_tls(authority: Authority) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with receiver(script) as server:
        (result,) = await _send(server, authority.trusting())
    assert result.outcome is Outcome.TLS
    assert "does not speak TLS" in result.detail


async def test_a_handshake_that_stalls_and_one_that_is_cut(authority: Authority) -> None:
    async def stall(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.transport.abort()

    async with (
        receiver(stall) as server,
        transport(_resolver(), ssl_context=authority.trusting()) as client,
    ):
        policy = loopback_policy(server.port)
        url = f"https://{HOST}:{server.port}/"
        result = await post(client, url, policy=policy, deadline_s=0.25)
    assert (result.outcome, result.phase) == (Outcome.TIMEOUT, Phase.TLS)
    async with receiver(cut) as server:
        (result,) = await _send(server, authority.trusting())
    assert result.outcome is Outcome.TLS
    assert "closed the connection" in result.detail


async def test_an_address_as_host_is_verified_as_one(authority: Authority) -> None:
    for name, outcome in (("127.0.0.1", "delivered"), (HOST, "tls")):
        async with (
            receiver(answering(OK), context=authority.server(name)) as server,
            transport(ssl_context=authority.trusting()) as client,
        ):
            policy = loopback_policy(server.port)
            result = await post(client, f"https://127.0.0.1:{server.port}/", policy=policy)
        assert result.outcome == outcome


async def test_the_next_address_is_tried_when_one_refuses(authority: Authority) -> None:
    async with receiver(answering(OK), context=authority.server(HOST)) as server:
        policy = loopback_policy(server.port, "127.0.0.0/8")
        async with transport(
            _resolver("127.0.0.2", "127.0.0.1"), ssl_context=authority.trusting()
        ) as client:
            url = f"https://{HOST}:{server.port}/"
            first = await post(client, url, policy=policy)
            second = await post(client, url, policy=policy)
    assert (first.outcome, first.address) == (Outcome.DELIVERED, "127.0.0.1")
    assert second.reused


async def test_a_slow_handshake_has_the_whole_deadline_whatever_the_addresses(
    authority: Authority,
) -> None:
    async def stall(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    resolver = _resolver("127.0.0.1", "127.0.0.2")
    async with (
        receiver(stall) as server,
        transport(resolver, ssl_context=authority.trusting()) as client,
    ):
        policy = loopback_policy(server.port, "127.0.0.0/8")
        url = f"https://{HOST}:{server.port}/"
        result = await post(client, url, policy=policy, deadline_s=0.2)
    assert (result.outcome, result.phase) == (Outcome.TIMEOUT, Phase.TLS)
    assert result.duration_ms >= 195


async def test_rebinding_finds_the_pin_and_then_the_guard(authority: Authority) -> None:
    """A name that turns to another address is not followed for 300 s, and then judged anew."""
    now = 0.0
    names = Names({HOST: ["127.0.0.1"]})
    resolver = Resolver(lookup=names, clock=lambda: now)
    async with receiver(answering(OK), context=authority.server(HOST)) as server:
        policy = loopback_policy(server.port)
        url = f"https://{HOST}:{server.port}/"
        async with transport(resolver, ssl_context=authority.trusting()) as client:
            assert (await post(client, url, policy=policy)).outcome == "delivered"
            names.table[HOST] = ["127.0.0.2"]
            now = 299.0
            assert (await post(client, url, policy=policy)).outcome == "delivered"
            now = 300.0
            result = await post(client, url, policy=policy)
    # The kept connection to the old address is not used either.
    assert (result.outcome, result.reason) == (Outcome.BLOCKED, "loopback: 127.0.0.2")
    assert names.asked == [HOST, HOST]
