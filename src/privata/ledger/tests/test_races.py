"""Two at once: over real connections, many times over."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from privata.core.errors import AlreadyBooked, InsufficientBalance
from privata.infra.context import AppContext
from privata.infra.database.postgres import Database
from privata.ledger import service as ledger
from privata.ledger.service import Cause
from privata.ledger.tests.books import earn, give, held, money, operator, payout
from privata.ledger.tests.test_service import holding, let_time_pass
from privata.ledger.verify import verify

AMOUNT = Decimal(500)


@pytest.fixture
async def wide(ctx: AppContext) -> AsyncIterator[AppContext]:
    """The same database with a connection for each of fifty."""
    database = await Database.connect(ctx.database.url, size=50)
    yield AppContext(database, ctx.sealer, ctx.clock, ctx.settings)
    await database.close()


async def reserve(ctx: AppContext, organization_id: uuid.UUID, cause: Cause) -> str:
    try:
        async with ctx.database.transaction() as tx:
            await ledger.reserve(tx, organization_id=organization_id, amount=AMOUNT, cause=cause)
    except (InsufficientBalance, AlreadyBooked) as error:
        return type(error).__name__
    return "reserved"


@pytest.mark.parametrize("funds_for", [1, 7])
async def test_fifty_reservations_on_too_little(
    wide: AppContext, organization: uuid.UUID, funds_for: int
) -> None:
    await give(wide, organization, AMOUNT * funds_for + 499)
    told = await asyncio.gather(
        *(reserve(wide, organization, payout("reserve")) for _ in range(50))
    )
    assert told.count("reserved") == funds_for
    assert told.count("InsufficientBalance") == 50 - funds_for
    assert await held(wide, organization) == money(0, 499, AMOUNT * funds_for, 0)
    assert not (await verify(wide)).findings


async def test_fifty_times_the_same_step(wide: AppContext, organization: uuid.UUID) -> None:
    await give(wide, organization, AMOUNT * 50)
    cause = payout("reserve")
    told = await asyncio.gather(*(reserve(wide, organization, cause) for _ in range(50)))
    assert (told.count("reserved"), told.count("AlreadyBooked")) == (1, 49)


async def test_a_payout_is_released_or_settled(wide: AppContext, organization: uuid.UUID) -> None:
    await give(wide, organization, AMOUNT * 40)
    idents = [uuid.uuid4() for _ in range(20)]
    for ident in idents:
        assert await reserve(wide, organization, payout("reserve", ident)) == "reserved"

    async def end(ident: uuid.UUID, *, paid: bool) -> bool:
        verb, step = (ledger.settle, "settle") if paid else (ledger.release, "release")
        try:
            async with wide.database.transaction() as tx:
                await verb(
                    tx, organization_id=organization, amount=AMOUNT, cause=payout(step, ident)
                )
        except ValueError:
            return False
        return True

    ways = [(ident, paid) for ident in idents for paid in (False, True)]
    told = await asyncio.gather(*(end(ident, paid=paid) for ident, paid in ways))
    assert all(first != second for first, second in zip(told[::2], told[1::2], strict=True))
    _, available, in_flight, paid = await held(wide, organization)
    assert (available + paid, in_flight) == money(AMOUNT * 40, 0)
    assert not (await verify(wide)).findings


async def test_books_that_are_opened_at_once(wide: AppContext, organization: uuid.UUID) -> None:
    await asyncio.gather(*(earn(wide, organization) for _ in range(40)))
    assert await held(wide, organization) == money(0, 40, 0, 0)
    assert await wide.database.pool.fetchval("SELECT count(*) FROM ledger_account") == 8


async def test_workers_that_mature_at_once(wide: AppContext, organization: uuid.UUID) -> None:
    slow = holding(wide, 2)
    order_ids = [await earn(slow, organization) for _ in range(30)]
    await let_time_pass(wide, 2)

    async def take_back(order_id: str) -> None:
        async with wide.database.transaction() as tx:
            await ledger.reverse(
                tx, actor=operator(organization), order_id=order_id, reason="refunded"
            )

    await asyncio.gather(
        *(ledger.mature(wide) for _ in range(6)),
        *(take_back(order_id) for order_id in order_ids[::3]),
    )
    await ledger.mature(wide)
    assert await held(wide, organization) == money(0, 20, 0, 0)
    assert not (await verify(wide)).findings


async def test_opposite_orders_do_not_lock_each_other_out(
    wide: AppContext, organization: uuid.UUID
) -> None:
    """The race of transactions with several bookings over the same accounts, in any order."""
    await give(wide, organization, AMOUNT * 100)
    idents = [uuid.uuid4() for _ in range(40)]
    for ident in idents:
        await reserve(wide, organization, payout("reserve", ident))

    async def both(number: int) -> None:
        settled, released = idents[2 * number], idents[2 * number + 1]
        steps = [
            (ledger.settle, payout("settle", settled)),
            (ledger.release, payout("release", released)),
        ]
        async with wide.database.transaction() as tx:
            for verb, cause in steps if number % 2 else steps[::-1]:
                await verb(tx, organization_id=organization, amount=AMOUNT, cause=cause)

    await asyncio.gather(*(both(number) for number in range(20)))
    assert await held(wide, organization) == money(0, AMOUNT * 80, 0, AMOUNT * 20)
