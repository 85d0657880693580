"""SQL of the prices. What is fresh, due or old is decided by the database's clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import asyncpg
import msgspec

from privata.infra.database.postgres import Transaction
from privata.infra.database.rows import reader
from privata.quotes.prices.values import Price

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

#: How long an accepted price counts at all; then the table does, and any source may begin anew.
_LASTS: Final = "interval '24 hours'"

_REGISTER: Final = """
INSERT INTO price_source (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING
"""

# Workers skip each other's.
_CLAIM: Final = """
UPDATE price_source SET ask_at = now() + make_interval(secs => $2)
WHERE name = ANY (ARRAY(
    SELECT name FROM price_source WHERE name = ANY ($1) AND ask_at <= now()
    ORDER BY ask_at FOR NO KEY UPDATE SKIP LOCKED))
RETURNING name
"""

_NEXT: Final = """
UPDATE price_source SET ask_at = now() + make_interval(secs => $2), fault = $3 WHERE name = $1
"""

_UNPRICED: Final = """
SELECT wanted.ticker FROM unnest($2::text[]) AS wanted(ticker)
LEFT JOIN price_report AS said ON said.ticker = wanted.ticker AND said.source = $1
WHERE said.asked_at IS NULL OR said.asked_at < now() - make_interval(secs => $3)
ORDER BY said.asked_at NULLS FIRST, wanted.ticker
"""

# One at a time: each judges with what the other has reported.
_TURN: Final = "SELECT FROM price_source ORDER BY name FOR UPDATE"

_REPORT: Final = """
INSERT INTO price_report (ticker, source, usd)
SELECT ticker, $1, usd FROM unnest($2::text[], $3::numeric[]) AS said(ticker, usd)
ON CONFLICT (ticker, source) DO UPDATE SET usd = excluded.usd, asked_at = now()
"""

_FRESH: Final = """
SELECT ticker, source, usd FROM price_report
WHERE ticker = ANY ($1) AND source = ANY ($2) AND usd IS NOT NULL
  AND asked_at > now() - make_interval(secs => $3)
"""

_LAST: Final = f"""
SELECT ticker, usd FROM asset_price WHERE ticker = ANY ($1) AND as_of > now() - {_LASTS}
"""  # noqa: S608  # put together out of constants

_ACCEPT: Final = """
INSERT INTO asset_price (ticker, usd, sources) VALUES ($1, $2, $3)
ON CONFLICT (ticker) DO UPDATE
SET usd = excluded.usd, sources = excluded.sources, as_of = now(), refused = NULL,
    refused_at = NULL
"""

_REFUSE: Final = "UPDATE asset_price SET refused = $2, refused_at = now() WHERE ticker = $1"

_PRICES: Final = f"""
SELECT ticker, usd, sources, as_of, as_of < now() - make_interval(secs => $1) AS stale
FROM asset_price WHERE as_of > now() - {_LASTS}
"""  # noqa: S608

_SHOWN: Final = """
SELECT ticker, refused, refused_at FROM asset_price WHERE refused IS NOT NULL
"""

_SOURCES: Final = "SELECT name, fault FROM price_source ORDER BY name"


class Jump(msgspec.Struct, frozen=True):
    """A reported price that is not believed."""

    ticker: str
    refused: Decimal
    refused_at: datetime


class SourceState(msgspec.Struct, frozen=True):
    """Somebody who is asked for prices, and why that failed lately."""

    name: str
    fault: str | None


jump = reader(Jump)
source_state = reader(SourceState)


async def register(pool: Pool, names: Collection[str]) -> None:
    """Let these sources be claimed."""
    await pool.execute(_REGISTER, sorted(names))


async def claim(pool: Pool, names: Collection[str], lease_s: float) -> list[str]:
    """Those of the sources that are due, out of others' sight for so many seconds."""
    return [row["name"] for row in await pool.fetch(_CLAIM, sorted(names), lease_s)]


async def set_next(pool: Pool, name: str, seconds: float, fault: str | None) -> None:
    """Let it be asked again in so many seconds; `fault`: why it gave nothing, None: it did."""
    await pool.execute(_NEXT, name, seconds, fault)


async def unpriced(pool: Pool, source: str, tickers: Collection[str], old_s: float) -> list[str]:
    """Those about which a source said nothing for so many seconds, the oldest first."""
    rows = await pool.fetch(_UNPRICED, source, sorted(tickers), old_s)
    return [row["ticker"] for row in rows]


async def take_turn(tx: Transaction) -> None:
    """Wait until no other worker judges prices; held to the end of the transaction."""
    await tx.connection.execute(_TURN)


async def report(tx: Transaction, source: str, found: Mapping[str, Decimal | None]) -> None:
    """Keep what a source said, by ticker; None: it was asked, and said nothing to believe."""
    await tx.connection.execute(_REPORT, source, list(found), list(found.values()))


async def fresh(
    tx: Transaction, tickers: Collection[str], sources: Collection[str], fresh_s: float
) -> dict[str, dict[str, Decimal]]:
    """What these sources said about the tickers in the last so many seconds: by ticker, source."""
    found: dict[str, dict[str, Decimal]] = {}
    for row in await tx.connection.fetch(_FRESH, list(tickers), list(sources), fresh_s):
        found.setdefault(row["ticker"], {})[row["source"]] = row["usd"]
    return found


async def last_accepted(tx: Transaction, tickers: Collection[str]) -> dict[str, Decimal]:
    """The accepted prices that still count."""
    rows = await tx.connection.fetch(_LAST, list(tickers))
    return {row["ticker"]: row["usd"] for row in rows}


async def accept(tx: Transaction, ticker: str, usd: Decimal, sources: Collection[str]) -> None:
    """Believe a price from now on."""
    await tx.connection.execute(_ACCEPT, ticker, usd, ", ".join(sources))


async def refuse(tx: Transaction, ticker: str, usd: Decimal) -> None:
    """Keep that a jump is not believed, for the operator."""
    await tx.connection.execute(_REFUSE, ticker, usd)


async def prices(pool: Pool, stale_s: float) -> dict[str, Price]:
    """The accepted prices that still count, by ticker; stale after so many seconds."""
    rows = await pool.fetch(_PRICES, stale_s)
    return {
        row["ticker"]: Price(row["usd"], row["sources"], row["as_of"], row["stale"]) for row in rows
    }


async def jumps(pool: Pool) -> list[Jump]:
    """What is not believed now."""
    return [jump(row) for row in await pool.fetch(_SHOWN)]


async def sources(pool: Pool) -> list[SourceState]:
    """Everybody who was asked, and their faults."""
    return [source_state(row) for row in await pool.fetch(_SOURCES)]
