"""What people paste finds the order, in every form that its network takes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Cluster
from privata.core.ids import new_order_id
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.search import listing
from privata.orders.search.filters import filter_of
from privata.orders.search.sql import Scope, Search

_EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
_EVM_HASH = "0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b"
_HASH = "4A5E1E4BAAB89F3A32518A88C31BC87F618F76673E2CC77AB2127B7AFDEDA33B"
_BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
_CASH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
_BASE58 = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"

#: What an order holds (column, value), what is pasted, and whether that is the same thing.
PASTED = [
    ("deposit_address", _EVM, _EVM, True),
    ("deposit_address", _EVM, _EVM.lower(), True),
    ("deposit_address", _EVM, _EVM.upper(), True),
    ("deposit_address", _EVM, _EVM[2:], True),
    ("deposit_address", _EVM, _EVM[2:].upper(), True),
    ("deposit_address", _EVM, f"  {_EVM}\t", True),
    ("deposit_address", _EVM.lower(), _EVM, True),
    ("deposit_address", _BECH32, _BECH32.upper(), True),
    ("deposit_address", _BECH32.upper(), _BECH32, True),
    ("deposit_address", _BECH32, _BECH32.title(), False),
    ("deposit_address", _CASH, _CASH.partition(":")[2], True),
    ("deposit_address", _CASH.partition(":")[2], _CASH.upper(), True),
    ("deposit_address", _BASE58, _BASE58, True),
    ("deposit_address", _BASE58, _BASE58.lower(), False),
    ("deposit_address", _BASE58, _BASE58.upper(), False),
    ("tx_in_hash", _HASH, _HASH.lower(), True),
    ("tx_in_hash", _HASH.lower(), f"0x{_HASH}", True),
    ("tx_in_hash", _EVM_HASH, _EVM_HASH[2:].upper(), True),
    ("tx_out_hash", _EVM_HASH, _EVM_HASH.upper(), True),
    ("tx_out_hash", _EVM_HASH[2:], _EVM_HASH, True),
    ("partner_order_ref", "Order-A", "Order-A", True),
    ("partner_order_ref", "Order-A", "order-a", False),
    ("partner_order_ref", _EVM, _EVM.lower(), False),
]

_ORDER = {
    "environment": "test",
    "provider": "simulator",
    "provider_order_id": "x",
    "from_asset": "BTC",
    "from_network": "BTC",
    "from_decimals": 8,
    "to_asset": "ETH",
    "to_network": "ETH",
    "to_decimals": 18,
    "amount_from": 1,
    "amount_to_expected": 1,
    "rate_type": "float",
    "deposit_address": "elsewhere",
    "payout_address": "x",
    "sandbox_scenario": "happy",
    "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
}


async def _order(ctx: AppContext, organization: uuid.UUID, **changes: object) -> str:
    order = _ORDER | {"id": new_order_id(), "organization_id": organization} | changes
    places = ", ".join(f"${n}" for n in range(1, len(order) + 1))
    await ctx.database.pool.execute(
        f"INSERT INTO orders ({', '.join(order)}) VALUES ({places})", *order.values()
    )
    return str(order["id"])


async def _found(ctx: AppContext, organization: uuid.UUID, text: str) -> list[str]:
    chosen = filter_of(urlencode({"q": text}))
    search = Search(Scope(organization, Environment.TEST), chosen, ctx.clock.now())
    page = await listing.page_of(ctx, search, limit=10, columns=listing.WHOLE)
    return [row.id for row in page.rows]


async def test_search_ignores_case_and_prefix_where_the_network_does(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    wrong = []
    for column, held, pasted, same in PASTED:
        await ctx.database.pool.execute("DELETE FROM orders")
        made = await _order(ctx, organization, **{column: held})
        await _order(ctx, organization, tx_in_hash="f" * 64, deposit_address="other")
        found = await _found(ctx, organization, pasted)
        if found != ([made] if same else []):
            wrong.append(f"{column} {held}: {pasted!r} found {found}")
    assert not wrong, "\n".join(wrong)


async def test_an_order_id_is_found_in_capitals(ctx: AppContext, organization: uuid.UUID) -> None:
    made = await _order(ctx, organization)
    assert await _found(ctx, organization, f" {made.upper()} ") == [made]


async def test_an_order_that_two_columns_name_is_found_once(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    made = await _order(ctx, organization, deposit_address=_EVM, tx_in_hash=_EVM.lower())
    assert await _found(ctx, organization, _EVM.upper()) == [made]


_HEX = st.text("0123456789abcdefABCDEF", min_size=32, max_size=70)


@given(hexadecimal=_HEX, prefix=st.sampled_from(["", "0x", "0X"]), text=st.text(max_size=40))
@settings(max_examples=50, deadline=None)
def test_the_form_of_hexadecimal_is_one_and_of_others_themselves(
    forms: psycopg.Connection, hexadecimal: str, prefix: str, text: str
) -> None:
    def form(given: str) -> str:
        row = forms.execute("SELECT lookup_form(%s)", [given]).fetchone()
        assert row is not None
        return str(row[0])

    assert form(prefix + hexadecimal) == hexadecimal.lower()
    assert form(form(prefix + hexadecimal)) == form(hexadecimal.upper())
    text = text.replace("\0", "")
    if not text.isascii() or len(text) < 32:
        assert form(text) == text


@pytest.fixture(scope="module")
def forms(cluster: Cluster) -> Iterator[psycopg.Connection]:
    name = cluster.copy()
    with psycopg.connect(cluster.app(name), autocommit=True) as connection:
        yield connection
    cluster.drop(name)
