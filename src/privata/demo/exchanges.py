"""The demo's exchanges: fakes on this machine, set up as an operator sets up real ones.

Each is a program of its own. It ends when its standard input does, so it cannot outlive the demo,
however that ends; its orders are kept in the home for the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from privata.core.errors import StartupError
from privata.infra.context import AppContext
from privata.infra.ending import within
from privata.providers.http.client import LOOPBACK
from privata.providers.port import Credentials
from privata.routing import setting

#: Seconds from one status of an order to the next.
PACE_S: Final = 2.5

#: How long the slow one takes longer, seconds: a quote waits for it, and hardly longer.
SLOW_S: Final = 1.2

#: The one that fails: the share of its calls, and in every so many seconds all for so many. From
#: the end of an outage to the next one it is longer than `routing.outages.SAME_WITHIN`, or the
#: second would be no news; a breaker may take until after the end to notice it.
FAILING: Final = 0.05
AWAY_S: Final = (420, 60)

#: Of its orders, one in so many waits for a deposit that never comes, from the first on. So the
#: partner always has an open order there, and is told of each outage.
UNPAID_EVERY: Final = 3

#: Of the orders at the one that is steady, one in so many needs a refund, from the first on.
STRAND_EVERY: Final = 4

#: Seconds that a fake may take to start (it is a whole program), and to end.
START_S: Final = 60.0
STOP_S: Final = 2.0

#: What a fake takes for credentials: anything.
_NO_KEY: Final = Credentials(key="demo", secret="demo", account="demo")  # noqa: S106


@dataclass(frozen=True, slots=True)
class Plan:
    """A fake to start: the provider that it is, how it behaves, and the options that make it so."""

    name: str
    manner: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A fake that runs and is enabled."""

    name: str
    manner: str
    base_url: str
    pid: int


PLANS: Final = (
    Plan(
        "changenow",
        f"steady; one order in {STRAND_EVERY} needs a refund, which it can send",
        ("--strand-every", f"{STRAND_EVERY}"),
    ),
    Plan(
        "fixedfloat",
        f"slow: every call takes {SLOW_S:g} s longer, so a quote of all takes that long",
        ("--slow", f"{SLOW_S}"),
    ),
    Plan(
        "exolix",
        f"fails: {FAILING:.0%} of its calls, and all of them for {AWAY_S[1]} s in every"
        f" {AWAY_S[0] // 60} minutes; one order in {UNPAID_EVERY} is never paid",
        (
            *("--down", f"{FAILING}", "--away", *map(str, AWAY_S)),
            *("--unpaid-every", f"{UNPAID_EVERY}"),
        ),
    ),
)


@contextlib.asynccontextmanager
async def running_exchanges(ctx: AppContext) -> AsyncIterator[tuple[Exchange, ...]]:
    """Run the fakes, enabled as providers of live orders until the block ends.

    None where somebody has set up a provider that is not on this machine: its credentials are not
    overwritten, and no simulated wallet trades at a real exchange.
    """
    if await _has_real_ones(ctx):
        yield ()
        return
    books = ctx.settings.home / "exchanges"
    books.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        started = [await stack.enter_async_context(_process(plan, books)) for plan in PLANS]
        async with asyncio.timeout(START_S):
            found = tuple([await _exchange(*one) for one in zip(PLANS, started, strict=True)])
        try:
            for one in found:
                await setting.set_credentials(ctx, one.name, _NO_KEY)
                await setting.enable(ctx, one.name, changes_url=True, base_url=one.base_url)
            yield found
        finally:
            # Whoever gets their ports next must not be asked for quotes.
            await within(STOP_S, _disable(ctx, found), "disabling the demo's exchanges")


async def _has_real_ones(ctx: AppContext) -> bool:
    for one in await setting.providers(ctx):
        if one.has_credentials and urlsplit(one.base_url or "").hostname not in LOOPBACK:
            return True
    return False


async def _disable(ctx: AppContext, exchanges: Sequence[Exchange]) -> None:
    for one in exchanges:
        await setting.disable(ctx, one.name)


@contextlib.asynccontextmanager
async def _process(plan: Plan, books: Path) -> AsyncIterator[Process]:
    # Neither our secrets nor our Ctrl-C are for it: orders are followed until the demo has ended.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRIVATA_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "privata.providers.fakes", plan.name, "--until-eof", "--uneven"),
        *("--pace", f"{PACE_S}", "--book", str(books / f"{plan.name}.json"), *plan.options),
        env=kept,
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _exchange(plan: Plan, process: Process) -> Exchange:
    assert process.stdout is not None
    base_url = (await process.stdout.readline()).decode().strip()
    if not base_url:
        raise StartupError(f"The demo's {plan.name} did not start; its error is printed above.")
    return Exchange(plan.name, plan.manner, base_url, process.pid)
