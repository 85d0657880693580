"""What only FixedFloat has: signed bytes, tokens, codes of currencies, weights of calls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fixedfloat.adapter import FixedFloat
from privata.providers.fixedfloat.config import FixedFloatSettings
from privata.providers.fixedfloat.fake import FakeFixedFloat
from privata.providers.fixedfloat.tests.case import FIXEDFLOAT, adapter, fake
from privata.providers.fixedfloat.wire import signature
from privata.providers.port import Credentials, Deadline, OrderSecret
from privata.providers.tests.conformance.case import (
    KEY,
    World,
    now,
    quick,
    refund_of,
    sell,
)


@pytest.mark.parametrize(
    ("body", "signed"),
    [
        (
            b'{"fromCcy":"BTC","toCcy":"ETH","amount":0.1,"direction":"from","type":"float"}',
            "6cfd71051f2be41225d3af1f618053bdcc7e079b01c0749f25d99ca8f762747d",
        ),
        (b"{}", "2f59040b63b7200598444239da2c9a4f3abc5c434259b23126d72514dab8cd09"),
    ],
)
def test_signatures(body: bytes, signed: str) -> None:
    assert signature("test-secret", body) == signed


async def test_a_wrong_secret_is_a_matter_of_credentials() -> None:
    server = fake()
    settings = FixedFloatSettings()
    settings = replace(settings, client=quick(settings.client, await server.start()))
    one = FixedFloat(Credentials(key=KEY, secret="another"), settings)
    try:
        with pytest.raises(ProviderUnavailable) as raised:
            await one.quote(sell())
        assert raised.value.reason == Fault.CREDENTIALS
    finally:
        await one.close()
        await server.stop()


async def test_without_its_token_an_order_is_not_known() -> None:
    server = fake()
    one = adapter(await server.start())
    world = World(FIXEDFLOAT, server, one)
    try:
        order = await world.opened()
        for secret in (None, OrderSecret({"token": "wrong"}), OrderSecret({})):
            with pytest.raises(ProviderRefused) as refused:
                await one.get_order(replace(order, secret=secret), now())
            assert refused.value.reason == Refusal.UNKNOWN_ORDER
            with pytest.raises(ProviderRefused):
                await one.refund(replace(refund_of(order), secret=secret), now())
    finally:
        await one.close()
        await server.stop()


async def test_a_refund_is_over_when_its_transaction_is_there() -> None:
    server = fake()
    one = adapter(await server.start())
    world = World(FIXEDFLOAT, server, one)
    try:
        order = await world.opened()
        server.move(order.provider_order_id, "EMERGENCY", choice="REFUND")
        report = await one.get_order(order, now())
        assert (report.status, report.refund_under_way) == (OrderStatus.REFUND_REQUIRED, True)
        server.finish_refund(order.provider_order_id)
        for word in ("EMERGENCY", "DONE"):
            server.move(order.provider_order_id, word)
            report = await one.get_order(order, now())
            assert report.status is OrderStatus.REFUNDED
            assert report.tx_out_hash == server.book[order.provider_order_id].tx_refund
    finally:
        await one.close()
        await server.stop()


async def test_orders_weigh_more_than_questions() -> None:
    server = FakeFixedFloat()
    settings = FixedFloatSettings()
    client = replace(quick(settings.client, await server.start()), calls_per_minute=60, burst=60)
    one = FixedFloat(Credentials(key=KEY, secret="s"), replace(settings, client=client))
    world = World(FIXEDFLOAT, server, one)
    try:
        await one.create_order(world.order())
        with pytest.raises(ProviderUnavailable) as raised:
            await one.create_order(world.order(), deadline=Deadline.after(5))
        assert raised.value.reason == Fault.OUR_RATE
        assert len(server.calls("create")) == 1
    finally:
        await one.close()
        await server.stop()
