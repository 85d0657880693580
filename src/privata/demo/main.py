"""`privata demo`: server, worker, receiver and wallets in one process, exchanges beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from privata.core.errors import StartupError
from privata.demo.credentials import Credentials
from privata.demo.exchanges import Exchange, running_exchanges
from privata.demo.live_wallets import run_live_wallets
from privata.demo.partner import demo_partner
from privata.demo.wallets import run_wallets
from privata.infra.context import AppContext
from privata.infra.settings import settings
from privata.serving import listen, serve_on
from privata.startup import run
from privata.webhooks.receiver.api import DEFAULT_PORT, Receiver, create_app, running
from privata.worker.main import work


def run_demo(*, as_json: bool) -> None:
    """Run until told to stop; the home keeps everything for the next start."""
    chosen = settings()
    if not chosen.development:
        raise StartupError("The demo is for development; PRIVATA_ENV says production.")
    if "PRIVATA_LOG_LEVEL" not in os.environ:
        # The simulated wallets would fill the terminal with a line for each of their requests.
        logging.getLogger("privata").setLevel(logging.WARNING)
    # Its passwords are printed, and no mail leaves it: the printed ones must be enough.
    os.environ.setdefault("PRIVATA_NEW_DEVICE_CODE", "false")
    asked = "PRIVATA_PORT" in os.environ
    web = _listen(chosen.host, chosen.port, insist=asked)
    # The addresses in answers and mails must name the port we really got.
    os.environ["PRIVATA_PORT"] = str(web.getsockname()[1])
    settings.cache_clear()
    run(lambda ctx: _demo(ctx, web, as_json=as_json))


async def _demo(ctx: AppContext, web: socket.socket, *, as_json: bool) -> None:
    async with (
        _receiver() as (receiver, receiver_url),
        running_exchanges(ctx) as exchanges,
        asyncio.TaskGroup() as group,
    ):
        partner = await demo_partner(ctx, receiver_url)
        receiver.secrets = [partner.webhook_secret]
        group.create_task(serve_on(web, ctx))
        group.create_task(work(ctx))
        await _answers(web)
        _announce(ctx, partner, exchanges, as_json=as_json)
        base_url, names = ctx.settings.base_url, [one.name for one in exchanges]
        group.create_task(run_wallets(base_url, partner.test_key))
        if exchanges:
            group.create_task(run_live_wallets(base_url, partner.live_key, names))


@contextlib.asynccontextmanager
async def _receiver() -> AsyncIterator[tuple[Receiver, str]]:
    """The partner's server on its usual port, or on a free one."""
    app = create_app()
    async with contextlib.AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(running(app, port=DEFAULT_PORT))
        except StartupError:
            url = await stack.enter_async_context(running(app))
        yield app, url


def _listen(host: str, port: int, *, insist: bool) -> socket.socket:
    """Listen on `port`, or on a free one if it is taken and nobody insisted on it."""
    try:
        return listen(host, port)
    except StartupError:
        if insist:
            raise
        return listen(host, 0)


async def _answers(web: socket.socket) -> None:
    """Wait until the server takes connections."""
    host, port = web.getsockname()[:2]
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return


def _announce(
    ctx: AppContext, partner: Credentials, exchanges: Sequence[Exchange], *, as_json: bool
) -> None:
    base_url = ctx.settings.base_url
    facts: dict[str, Any] = {
        "base_url": base_url,
        "test_key": partner.test_key,
        "live_key": partner.live_key,
        "owner_email": partner.owner_email,
        "owner_password": partner.owner_password,
        "operator_email": partner.operator_email,
        "operator_password": partner.operator_password,
        "receiver_url": partner.receiver_url,
        "webhook_secret": partner.webhook_secret,
        "exchanges": [asdict(one) for one in exchanges],
        "try": _tries(base_url, partner, exchanges),
    }
    if as_json:
        text = json.dumps(facts)
    else:
        made = "test and live orders" if exchanges else "test orders"
        text = f"""
  Privata is running.

  Dashboard        {base_url}/
    partner        {partner.owner_email}   {partner.owner_password}
    operator       {partner.operator_email}   {partner.operator_password}
                   (the console asks for an authenticator app first)
  Partner API      {base_url}/partner/v1   (OpenAPI at /partner/v1/openapi.json)
    test key       {partner.test_key}
    live key       {partner.live_key}
  Receiver         {partner.receiver_url}   shows the webhooks of test orders
    its secret     {partner.webhook_secret}
  Exchanges        {_listed(exchanges)}

  Try:
    {_curls(facts["try"])}

  Simulated wallets are making {made}. Ctrl-C stops everything.
"""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tries(
    base_url: str, partner: Credentials, exchanges: Sequence[Exchange]
) -> list[tuple[str, str]]:
    """What to ask first: URLs, each with its key."""
    estimate = "estimate?from=BTC&to=ETH&to_network=ETH&amount=0.1"
    tries = [(estimate, partner.test_key)]
    if exchanges:
        # The order that needs a refund, and the outage, are there some minutes after the start.
        tries += [
            (f"{estimate}&include=all", partner.live_key),
            ("me/orders?status=refund_required", partner.live_key),
            ("events?after=0", partner.live_key),
        ]
    return [(f"{base_url}/partner/v1/{path}", key) for path, key in tries]


def _curls(tries: Sequence[tuple[str, str]]) -> str:
    return "\n    ".join(f"curl -H 'X-API-Key: {key}' '{url}'" for url, key in tries)


def _listed(exchanges: Sequence[Exchange]) -> str:
    """A line for each, under one another."""
    if not exchanges:
        return "your own providers; the demo starts no fakes and makes no live orders"
    lines = ["fakes on this machine, for live orders; warnings below tell of their outages"]
    return "\n".join(lines + [f"    {one.name:14} {one.manner}" for one in exchanges])
