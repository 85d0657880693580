"""`privata prices`: what assets are worth, who says so, and what is not believed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import click

from privata.core.clock import iso
from privata.core.money import format_significant
from privata.infra.context import AppContext
from privata.quotes.prices import store
from privata.quotes.prices.store import Jump, SourceState
from privata.quotes.prices.values import STATIC, STATIC_AS_OF, TABLE, Price

#: Runs one task on the database; which program that is, only the command line knows.
RunOnce: TypeAlias = Callable[[Callable[[AppContext], Awaitable[Any]]], Any]

_MINUTE_S = 60
_SHOWN_DIGITS = 8

_State: TypeAlias = tuple[dict[str, Price], list[Jump], list[SourceState]]


def prices_command(run_once: RunOnce) -> click.Command:
    """The command, to be added to the program."""

    @click.command()
    @click.option("--json", "as_json", is_flag=True, help="print one line of JSON")
    def prices(as_json: bool) -> None:
        """Show the USD price of each asset, its sources, and its age."""
        found, jumps, sources = run_once(_read)
        if as_json:
            click.echo(json.dumps(_shown(found, jumps, sources)))
            return
        for ticker, price in found.items():
            age = f"{iso(price.as_of)}{', stale' if price.stale else ''}"
            click.echo(
                f"{ticker:6} {format_significant(price.usd, _SHOWN_DIGITS):>14}"
                f"  {price.source} ({age})"
            )
        for one in jumps:
            click.echo(
                f"{one.ticker}: a jump to {format_significant(one.refused, _SHOWN_DIGITS)} was"
                f" rejected at {iso(one.refused_at)}. No second source confirms it."
            )
        for source in sources:
            if source.fault is not None:
                click.echo(f"{source.name}: no prices: {source.fault}")

    return prices


async def _read(ctx: AppContext) -> _State:
    pool = ctx.database.pool
    table = {ticker: Price(usd, TABLE, STATIC_AS_OF, stale=True) for ticker, usd in STATIC.items()}
    if ctx.settings.prices == ["static"]:
        return table, [], []
    kept = await store.prices(pool, float(ctx.settings.price_stale_minutes * _MINUTE_S))
    return table | kept, await store.jumps(pool), await store.sources(pool)


def _shown(
    found: dict[str, Price], jumps: list[Jump], sources: list[SourceState]
) -> dict[str, Any]:
    refused = {one.ticker: one for one in jumps}
    return {
        "prices": [
            {
                "ticker": ticker,
                "usd": format_significant(price.usd, _SHOWN_DIGITS),
                "source": price.source,
                "as_of": iso(price.as_of),
                "stale": price.stale,
                "rejected_jump": format_significant(refused[ticker].refused, _SHOWN_DIGITS)
                if ticker in refused
                else None,
            }
            for ticker, price in found.items()
        ],
        "sources": [{"name": one.name, "fault": one.fault} for one in sources],
    }
