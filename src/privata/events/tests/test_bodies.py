"""Bodies are stored small and come back byte for byte."""

from __future__ import annotations

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.ids import new_order_id, new_quote_id
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment, system_actor
from privata.events import bodies
from privata.events.bodies import packed, unpacked
from privata.infra.context import AppContext
from privata.orders import create
from privata.orders.service import advance
from privata.providers.port import Report
from privata.webhooks.tests.deliveries import event_of

ETH = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_whatever_was_published_comes_back_byte_for_byte(value: object) -> None:
    body = msgspec.json.encode(value)
    stored = packed(body)
    assert unpacked(stored) == body
    assert len(stored) <= len(body)


@given(st.binary())
def test_bytes_that_are_no_json_come_back_too(body: bytes) -> None:
    assert unpacked(packed(body)) == body


def test_a_body_that_was_stored_before_they_were_compressed_is_still_read() -> None:
    body = event_of(new_order_id(), 1).body
    assert body.startswith(b"{")
    assert unpacked(body) == body


def test_the_dictionary_that_bodies_were_stored_with_never_changes() -> None:
    """Every body that was stored with it would be lost. Put a new one before it."""
    # Made by the first version.
    stored = bytes.fromhex("486a73f8879b432fe1902d839755589c02b4086884612d00dd691618")
    assert unpacked(stored) == b'{"event":"order.completed","order":{"status":"completed"},"x":1}'


def test_a_damaged_body_is_no_body() -> None:
    stored = packed(event_of(new_order_id(), 1).body)
    with pytest.raises(ValueError, match="damaged"):
        unpacked(stored[:10] + b"\xff" + stored[11:])
    other = stored[:2] + (zlib.adler32(b"other")).to_bytes(4) + stored[6:]
    with pytest.raises(ValueError, match="a newer version"):
        unpacked(other)


async def test_the_bodies_of_an_order_take_a_third_of_their_length(ctx: AppContext) -> None:
    organization = await ctx.database.pool.fetchval(
        "INSERT INTO organization (id, name, status) VALUES (new_id(), 'Acme', 'approved')"
        " RETURNING id"
    )
    quote_id = new_quote_id()
    await ctx.database.pool.execute(
        "INSERT INTO quote (id, organization_id, environment, provider, from_asset, from_network,"
        " to_asset, to_network, amount_from, amount_to, side, rate_type, expires_at) VALUES"
        " ($1, $2, 'test', 'simulator', 'BTC', 'BTC', 'ETH', 'ETH', 1, 20, 'send', 'float',"
        " now() + interval '5 minutes')",
        quote_id,
        organization,
    )
    actor = system_actor(organization, Environment.TEST, "tests")
    wanted = create.NewOrder(quote_id=quote_id, address=ETH)
    made = msgspec.json.decode(await create.create_order(ctx, actor=actor, wanted=wanted))
    await advance(ctx, order_id=made["order_id"], report=Report(OrderStatus.COMPLETED))
    rows = await ctx.database.pool.fetch("SELECT body FROM event")
    assert len(rows) == 5
    stored = [row["body"] for row in rows]
    whole = [unpacked(body) for body in stored]
    assert all(msgspec.json.decode(body)["order"]["order_id"] == made["order_id"] for body in whole)
    assert 3 * sum(map(len, stored)) < sum(map(len, whole))


def test_no_body_begins_like_a_compressed_one() -> None:
    values: tuple[object, ...] = ({}, [], "", 1, -1, None, True, False)
    for value in values:
        assert not msgspec.json.encode(value).startswith(packed(b"x" * 100)[:1])
    assert bodies.packed(b"x" * 100) != b"x" * 100
