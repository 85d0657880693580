"""The fakes as a demo runs them: as a program, moving their orders by themselves, failing a bit."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from privata.core.clock import ManualClock
from privata.core.errors import ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.adapters import ADAPTERS
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.changenow.tests.case import CHANGENOW, adapter
from privata.providers.fakes.__main__ import FAKES
from privata.providers.tests.conformance.case import Case, World, refund_of, sell
from privata.providers.tests.conformance.cases import CASES

#: Those whose fakes strand orders, and send their deposits back.
STRANDING = ("changenow", "fixedfloat", "sideshift")


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


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.name in STRANDING], ids=lambda case: case.name
)
async def test_a_fake_strands_orders_and_sends_their_refunds(case: Case) -> None:
    clock = ManualClock(datetime.now(UTC))
    fake = FAKES[case.name](pace_s=10, clock=clock)
    fake.strand_every = 2
    one = case.adapter(await fake.start())
    try:
        world = World(case, fake, one)
        request = replace(world.order(), refund_address=None, refund_extra_id=None)
        bad, good = await world.opened(request), await world.opened(request)
        clock.advance(timedelta(seconds=50))
        assert (await one.get_order(bad, clock.now())).status is OrderStatus.REFUND_REQUIRED
        assert (await one.get_order(good, clock.now())).status is OrderStatus.COMPLETED
        assert not (await one.refund(refund_of(bad), clock.now())).done
        clock.advance(timedelta(seconds=10))
        assert (await one.get_order(bad, clock.now())).status is OrderStatus.REFUNDED
        assert (await one.refund(refund_of(bad, accepted=True), clock.now())).done
    finally:
        await one.close()
        await fake.stop()


async def test_a_fake_goes_away_and_comes_back() -> None:
    fake = FakeChangeNow()
    one = adapter(await fake.start())
    try:
        fake.away = (100.0, 100.0)
        with pytest.raises(ProviderUnavailable):
            await one.quote(sell())
        fake.away = (100.0, 0.0)
        assert (await one.quote(sell())).amount_to > 0
    finally:
        await one.close()
        await fake.stop()


async def test_a_fake_leaves_orders_without_their_deposit() -> None:
    clock = ManualClock(datetime.now(UTC))
    fake = FakeChangeNow(pace_s=1, clock=clock)
    fake.unpaid_every = 2
    one = adapter(await fake.start())
    try:
        world = World(CHANGENOW, fake, one)
        unpaid, paid = await world.opened(), await world.opened()
        clock.advance(timedelta(seconds=10))
        assert (await one.get_order(unpaid, clock.now())).status is OrderStatus.WAITING_DEPOSIT
        assert (await one.get_order(paid, clock.now())).status is OrderStatus.COMPLETED
    finally:
        await one.close()
        await fake.stop()


async def test_an_uneven_spread_is_the_same_every_time() -> None:
    fakes = [FakeChangeNow(), FakeChangeNow(), FakeChangeNow()]
    fakes[0].uneven = fakes[1].uneven = True
    offers = [
        fake.priced(sell().source, sell().target, sell().amount, direct=True) for fake in fakes
    ]
    assert offers[0] == offers[1] != offers[2]


async def test_a_fake_ends_with_its_input_and_keeps_its_orders(tmp_path: Path) -> None:
    book = tmp_path / "book.json"
    fake = FakeChangeNow()
    one = adapter(await fake.start())
    order = await World(CHANGENOW, fake, one).opened()
    await one.close()
    await fake.stop()
    fake.close_book(book)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "privata.providers.fakes", "changenow"),
        *("--until-eof", "--book", str(book)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    one = adapter((await program.stdout.readline()).decode().strip())
    report = await one.get_order(order, datetime.now(UTC))
    assert report.status is OrderStatus.WAITING_DEPOSIT
    await one.close()
    book.unlink()
    program.stdin.close()
    assert await program.wait() == 0
    again = FakeChangeNow()
    again.open_book(book)
    assert again.book == fake.book
