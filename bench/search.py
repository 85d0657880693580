"""Searching a million orders, page by page, as the API and the list do."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from bench.harness import Harness
from bench.orders import BIG_ID, SHARED_ADDRESS, fill_orders
from bench.report import Figure, Row, percentile
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.orders.search import listing
from privata.orders.search.filters import filter_of
from privata.orders.search.sql import Scope, Search

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAGE = 50
ROUNDS = 20

#: What people ask for: single filters, combinations, rare values, exact texts.
USUAL = (
    "",
    "status=completed",
    "status=failed,refunded",
    "refund=needed",
    "provider=changenow",
    "provider=letsexchange",
    "from=BTC&to=ETH",
    "from=DOGE",
    "from=XMR&to=TRX",
    "span=7d&status=failed",
    "since=2026-01-01&until=2026-01-31&provider=exolix",
    "usd_min=100000",
    "usd_min=1000&status=completed&from=BTC",
    "status=completed&provider=letsexchange",
    "rate_type=float&status=expired&provider=changenow&from=ETH&to=USDT",
    f"q={SHARED_ADDRESS}",
    "q=ref-600000",
    "q=in-777777",
    "q=nothing-like-this",
    "q=prv-00000005-0000-4000-8000-00000000000a",
)

#: Common values that never meet, and rare ones without an index: these give up after a while.
STUBBORN = (
    "provider=sideshift&from=XMR",
    "rate_type=fixed",
    "from=USDT&from_network=SOL",
    f"q={SHARED_ADDRESS}&status=manual_review",
)


async def run(harness: Harness) -> Row:
    """Whole pages with their timelines, in milliseconds, one after the other."""
    with harness.database() as name:
        fill_orders(harness.admin_url(name))
        url = harness.app_url(name)
        chosen = Settings(_env_file=None, home=harness.home, database_url=url)
        ctx = await AppContext.open(chosen, url)
        try:
            usual = await _measured(ctx, USUAL, ROUNDS)
            stubborn = await _measured(ctx, STUBBORN, ROUNDS // 4)
        finally:
            await ctx.close()
    return Row(
        f"Finding {PAGE} of 800,000 orders of an organization, among a million",
        [
            Figure(f"one of {len(USUAL)} usual searches, p50", percentile(usual, 0.5), "ms"),
            Figure(
                f"one of {len(USUAL)} usual searches, p95",
                percentile(usual, 0.95),
                "ms",
                at_most=50,
            ),
            Figure("the slowest of them all", max(usual), "ms"),
            Figure("a search that gives up, p50", percentile(stubborn, 0.5), "ms"),
            Figure("a search that gives up, p95", percentile(stubborn, 0.95), "ms"),
        ],
    )


async def _measured(ctx: AppContext, queries: tuple[str, ...], rounds: int) -> list[float]:
    scope = Scope(BIG_ID, Environment.TEST)
    took = []
    for _ in range(rounds + 1):
        for query in queries:
            started = time.perf_counter()
            search = Search(scope, filter_of(query), NOW)
            await listing.page_of(ctx, search, limit=PAGE, columns=listing.WHOLE)
            took.append((time.perf_counter() - started) * 1000)
    return took[len(queries) :]  # the first round makes the plans
