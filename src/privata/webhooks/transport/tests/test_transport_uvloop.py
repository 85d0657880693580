"""The same transport on uvloop, whose transports are another implementation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvloop

from privata.webhooks.outcomes import Outcome, Phase
from privata.webhooks.tests.certificates import Authority
from privata.webhooks.tests.receivers import (
    OK,
    Names,
    answering,
    loopback_policy,
    post,
    read_request,
    receiver,
    transport,
)
from privata.webhooks.transport.resolver import Resolver

HOST = "hooks.example.com"


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


async def _plain() -> None:
    async with receiver(answering(OK)) as server, transport() as client:
        results = [await post(client, server.url) for _ in range(3)]
        assert [result.reused for result in results] == [False, True, True]
    async with receiver(_silent) as server, transport() as client:
        result = await post(client, server.url, deadline_s=0.1)
        assert (result.outcome, result.phase) == (Outcome.TIMEOUT, Phase.HEADERS)
    async with transport() as client:
        assert (await post(client, server.url)).outcome is Outcome.CONNECTION


async def _secure(authority: Authority) -> None:
    for name, days, outcome in ((HOST, 30, "delivered"), (HOST, -1, "tls"), ("b.com", 30, "tls")):
        resolver = Resolver(lookup=Names({HOST: ["127.0.0.2", "127.0.0.1"]}))
        context = authority.server(name, days=days)
        async with (
            receiver(answering(OK), context=context) as server,
            transport(resolver, ssl_context=authority.trusting()) as client,
        ):
            policy = loopback_policy(server.port, "127.0.0.0/8")
            url = f"https://{HOST}:{server.port}/"
            results = [await post(client, url, policy=policy) for _ in range(2)]
        assert [result.outcome for result in results] == [outcome] * 2


def test_plain_and_tls(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_plain())
        runner.run(_secure(Authority(tmp_path)))
