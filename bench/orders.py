"""A million orders of a few organizations, for looking at how a search behaves among them.

The distribution is made to be unkind: rare values lie at the old end, two common values never meet
(XMR is not swapped by SideShift), and a second organization has no value that is common in the
first, so that statistics over the whole table mislead about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

import psycopg

#: Orders of the big organization, of the contrary one, and of the big one's live environment.
BIG: Final = 800_000
CONTRARY: Final = 150_000
LIVE: Final = 50_000

#: The oldest orders of the big organization; they alone have the rare values.
OLDEST: Final = 400

BIG_ID: Final = UUID("00000000-0000-4000-8000-00000000000a")
CONTRARY_ID: Final = UUID("00000000-0000-4000-8000-00000000000b")

#: Deposit addresses of networks with a memo are shared; this one has a tenth of all orders.
SHARED_ADDRESS: Final = "rSharedByMemo"

_FILL: Final = """
WITH n AS (
    SELECT n, n >= %(rows)s::int - %(oldest)s::int AS old, n %% 1000 AS k, (n * 7919) %% 1000 AS r,
           (n * 104729) %% 1000 AS p
    FROM generate_series(0::bigint, %(rows)s::int - 1) AS n
), picked AS (
    SELECT n, old, %(contrary)s::bool AS contrary,
        CASE WHEN %(contrary)s::bool THEN 'expired'
             WHEN old AND k %% 4 = 0 THEN 'manual_review'
             WHEN k < 8 AND n < 5000 THEN 'waiting_deposit'
             WHEN k < 800 THEN 'completed' WHEN k < 920 THEN 'expired' WHEN k < 975 THEN 'failed'
             ELSE 'refunded' END AS status,
        CASE WHEN r < 400 THEN 'BTC' WHEN r < 650 THEN 'ETH' WHEN r < 850 THEN 'USDT'
             WHEN r < 950 THEN 'XMR' WHEN r < 960 THEN 'DOGE' ELSE 'SOL' END AS source,
        CASE WHEN p < 400 THEN 'ETH' WHEN p < 700 THEN 'USDT' WHEN p < 900 THEN 'BTC'
             WHEN p < 990 THEN 'LTC' ELSE 'TRX' END AS target,
        CASE WHEN old THEN 'letsexchange' WHEN r BETWEEN 850 AND 949 THEN 'exolix'
             WHEN p %% 10 < 5 THEN 'changenow' WHEN p %% 10 < 8 THEN 'sideshift'
             ELSE 'exolix' END AS provider,
        (CASE WHEN old THEN 250000 ELSE 20 + (n * 31) %% 5000 END)::numeric AS usd
    FROM n
)
INSERT INTO orders (id, organization_id, environment, provider, provider_order_id,
    partner_order_ref, from_asset, from_network, from_decimals, to_asset, to_network, to_decimals,
    amount_from, amount_to_expected, amount_to_actual, usd_value, markup_bps, rate_type,
    deposit_address, payout_address, status, tx_in_hash, tx_out_hash, sandbox_scenario,
    expires_at, created_at, completed_at)
SELECT format('prv-%%s-0000-4000-8000-%%s', lpad(to_hex(n), 8, '0'), %(mark)s::text),
    %(organization)s, %(environment)s::text, provider, 'p' || n,
    CASE WHEN n %% 3 = 0 THEN 'ref-' || n
         WHEN n %% 3 = 1 AND status <> 'waiting_deposit' THEN 'user-' || n %% 50 END,
    source, CASE WHEN source = 'USDT' AND old THEN 'SOL' WHEN source = 'USDT' THEN 'TRC20'
                 ELSE source END, 8,
    target, target, 8, 1, 2, CASE WHEN status = 'completed' THEN 1.99 END, usd, 50,
    CASE WHEN old THEN 'fixed' ELSE 'float' END,
    CASE WHEN n %% 10 = 0 THEN %(shared)s::text ELSE 'deposit-' || n END, 'payout-' || n, status,
    CASE WHEN status <> 'waiting_deposit' THEN 'in-' || n END,
    CASE WHEN status = 'completed' THEN 'out-' || n END,
    CASE WHEN %(environment)s::text = 'test' THEN 'success' END,
    at, at, CASE WHEN status = 'completed' THEN at END
FROM picked, LATERAL (SELECT timestamptz '2026-11-21 12:00Z' - n * interval '40 seconds') AS t(at)
"""

_SECONDARY: Final = """
SELECT c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'orders'::regclass AND NOT i.indisunique
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Orders of one organization and environment."""

    organization_id: UUID
    environment: str
    rows: int
    mark: str
    contrary: bool = False


PARTS: Final = (
    Part(BIG_ID, "test", BIG, "00000000000a"),
    Part(CONTRARY_ID, "test", CONTRARY, "00000000000b", contrary=True),
    Part(BIG_ID, "live", LIVE, "00000000000c"),
)


def fill_orders(admin_url: str) -> None:
    """Fill the empty table as the server's administrator: rows first, then the indexes."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for name in ("Big Wallet", "Contrary Wallet"):
            ident = BIG_ID if name.startswith("Big") else CONTRARY_ID
            connection.execute(
                "INSERT INTO organization (id, name, status) VALUES (%s, %s, 'approved')",
                (ident, name),
            )
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute("SET synchronous_commit = off")
        indexes = connection.execute(_SECONDARY).fetchall()
        for name, _ in indexes:
            _run(connection, f'DROP INDEX "{name}"')
        for part in PARTS:
            values = {
                "organization": part.organization_id,
                "environment": part.environment,
                "rows": part.rows,
                "mark": part.mark,
                "contrary": part.contrary,
                "oldest": 0 if part.contrary else OLDEST,
                "shared": SHARED_ADDRESS,
            }
            connection.execute(_FILL, values)
        for name, definition in indexes:
            if not str(name).endswith("_like"):  # for patterns, which no search has
                _run(connection, definition)
        connection.execute("VACUUM (ANALYZE) orders")


def _run(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> None:
    """Run a statement that the database itself described."""
    text: LiteralString = statement
    connection.execute(text)
