"""The fakes as a demo runs them: as a program, moving their orders by themselves, failing a bit."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest

from privata.core.clock import ManualClock
from privata.core.errors import ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.adapters import ADAPTERS
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.changenow.tests.case import CHANGENOW, adapter
from privata.providers.fakes.__main__ import FAKES
from privata.providers.tests.conformance.case import World, sell
from privata.providers.tests.conformance.cases import CASES


def test_every_adapter_has_a_fake_and_a_case() -> None:
    assert set(ADAPTERS) == set(FAKES) == {case.name for case in CASES}


async def test_orders_move_with_time() -> None:
    clock = ManualClock(datetime.now(UTC))
    fake = FakeChangeNow(pace_s=10, clock=clock)
    one = adapter(await fake.start())
    try:
        order = await World(CHANGENOW, fake, one).opened()
        seen = []
        for _ in range(6):
            seen.append((await one.get_order(order, clock.now())).status)
            clock.advance(timedelta(seconds=10))
        assert seen == [
            OrderStatus.WAITING_DEPOSIT,
            OrderStatus.CONFIRMING,
            OrderStatus.EXCHANGING,
            OrderStatus.SENDING,
            OrderStatus.COMPLETED,
            OrderStatus.COMPLETED,
        ]
    finally:
        await one.close()
        await fake.stop()


async def test_a_fake_can_be_down() -> None:
    fake = FakeChangeNow(down=1.0)
    one = adapter(await fake.start())
    try:
        with pytest.raises(ProviderUnavailable):
            await one.quote(sell())
    finally:
        await one.close()
        await fake.stop()


async def test_a_fake_is_a_program() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "privata.providers.fakes", "changenow", stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    base_url = (await program.stdout.readline()).decode().strip()
    one = adapter(base_url)
    try:
        assert (await one.quote(sell())).amount_to > 0
    finally:
        await one.close()
        program.terminate()
        await program.wait()
