"""Booking on a real database."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from privata.core.errors import AlreadyBooked, InsufficientBalance, NotFound, ValidationFailed
from privata.core.ids import new_order_id
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.ledger import service as ledger
from privata.ledger.service import Cause
from privata.ledger.tests.books import earn, give, held, money, operator, payout

ONE, ZERO = Decimal(1), Decimal(0)


def holding(ctx: AppContext, days: int) -> AppContext:
    """The same installation with a holding time."""
    changed: Settings = ctx.settings.model_copy(update={"revenue_hold_days": days})
    return AppContext(ctx.database, ctx.sealer, ctx.clock, changed)


async def let_time_pass(ctx: AppContext, days: int) -> None:
    await ctx.database.pool.execute(
        "UPDATE ledger_hold SET due_at = due_at - make_interval(days => $1)", days
    )


async def platform(ctx: AppContext, organization_id: uuid.UUID) -> dict[str, Decimal]:
    rows = await ctx.database.pool.fetch(
        "SELECT name, balance FROM ledger_account WHERE organization_id = $1 AND balance <> 0"
        " AND name IN ('takings', 'commission', 'corrections', 'rounding')",
        organization_id,
    )
    return {row["name"]: row["balance"] for row in rows}


async def test_nobody_who_never_earned_has_anything(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    assert await held(ctx, organization) == (ZERO, ZERO, ZERO, ZERO)


async def test_an_order_earns_share_and_markup(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await earn(ctx, organization, "6520", markup_bps=30)
    # 40 bps are 26.08, half of it for the trial plan; the markup is 19.56.
    assert await held(ctx, organization) == (ZERO, Decimal("32.6"), ZERO, ZERO)
    assert await platform(ctx, organization) == {
        "takings": Decimal("-45.64"),
        "commission": Decimal("13.04"),
    }
    row = await ctx.database.pool.fetchrow("SELECT * FROM ledger_earning")
    assert row is not None
    assert row["order_id"] == order_id
    terms = ("usd_value", "commission_bps", "share_percent", "markup_bps", "share", "markup")
    assert tuple(row[name] for name in terms) == (
        6520, 40, 50, 30, Decimal("13.04"), Decimal("19.56"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "by_contract", "available"),
    [
        ("starter", None, "1.4"),
        ("enterprise", None, "2.4"),
        ("starter", 75, "3"),
        ("scale", 0, "0"),
    ],
)
async def test_the_share_is_the_plans_or_the_contracts(
    ctx: AppContext, organization: uuid.UUID, plan: str, by_contract: int | None, available: str
) -> None:
    await ctx.database.pool.execute(
        "UPDATE organization SET plan = $1, share_percent = $2", plan, by_contract
    )
    await earn(ctx, organization, "1000")
    assert (await held(ctx, organization))[1] == Decimal(available)


@pytest.mark.parametrize("value", [None, "0.00000001"])
async def test_without_a_value_nothing_is_earned(
    ctx: AppContext, organization: uuid.UUID, value: str | None
) -> None:
    await earn(ctx, organization, value, markup_bps=300)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM ledger_entry") == 0


async def test_an_order_earns_once(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await earn(ctx, organization)
    with pytest.raises(AlreadyBooked):
        await earn(ctx, organization, order_id=order_id)
    assert await held(ctx, organization) == (ZERO, ONE, ZERO, ZERO)


async def test_money_is_pending_until_it_matures(ctx: AppContext, organization: uuid.UUID) -> None:
    slow = holding(ctx, 14)
    await earn(slow, organization)
    await let_time_pass(ctx, 7)
    await earn(slow, organization)
    assert await held(ctx, organization) == money(2, ZERO, ZERO, ZERO)
    assert await ledger.mature(ctx) == 0
    await let_time_pass(ctx, 7)
    assert await ledger.mature(ctx) == 1
    assert await ledger.mature(ctx) == 0
    assert await held(ctx, organization) == (ONE, ONE, ZERO, ZERO)
    await let_time_pass(ctx, 7)
    assert await ledger.mature(ctx) == 1
    assert await held(ctx, organization) == money(ZERO, 2, ZERO, ZERO)


async def test_many_mature_in_batches_each_once(ctx: AppContext, organization: uuid.UUID) -> None:
    slow = holding(ctx, 1)
    others = [organization, uuid.uuid4(), uuid.uuid4()]
    for other in others[1:]:
        await ctx.database.pool.execute(
            "INSERT INTO organization (id, name) VALUES ($1, 'Other')", other
        )
    for number in range(ledger.BATCH // 2 + 2):
        for other in others:
            await earn(slow, other, order_id=f"{other.hex[:8]}-{number}")
    await let_time_pass(ctx, 1)
    assert await ledger.mature(ctx) == 3 * (ledger.BATCH // 2 + 2)
    for other in others:
        assert await held(ctx, other) == money(ZERO, ledger.BATCH // 2 + 2, ZERO, ZERO)


async def test_a_payouts_way(ctx: AppContext, organization: uuid.UUID) -> None:
    await give(ctx, organization, "700")
    first, second = uuid.uuid4(), uuid.uuid4()
    async with ctx.database.transaction() as tx:
        for ident, amount in ((first, Decimal(500)), (second, Decimal("199.99999999"))):
            await ledger.reserve(
                tx, organization_id=organization, amount=amount, cause=payout("reserve", ident)
            )
    assert await held(ctx, organization) == (
        ZERO, Decimal("0.00000001"), Decimal("699.99999999"), ZERO,
    )  # fmt: skip
    async with ctx.database.transaction() as tx:
        await ledger.settle(
            tx, organization_id=organization, amount=Decimal(500), cause=payout("settle", first)
        )
        await ledger.release(
            tx,
            organization_id=organization,
            amount=Decimal("199.99999999"),
            cause=payout("release", second),
        )
    assert await held(ctx, organization) == (ZERO, Decimal(200), ZERO, Decimal(500))


async def test_a_balance_that_does_not_reach_is_named_and_the_transaction_goes_on(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    await give(ctx, organization, "612.4")
    async with ctx.database.transaction() as tx:
        with pytest.raises(InsufficientBalance) as refused:
            await ledger.reserve(
                tx, organization_id=organization, amount=Decimal(750), cause=payout("reserve")
            )
        await ledger.reserve(
            tx, organization_id=organization, amount=Decimal("612.4"), cause=payout("reserve")
        )
    assert refused.value.data == {"available": "612.4"}
    assert "750.00 USD" in refused.value.message
    assert await held(ctx, organization) == (ZERO, ZERO, Decimal("612.4"), ZERO)


async def test_who_never_earned_has_nothing_to_reserve(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    async with ctx.database.transaction() as tx:
        with pytest.raises(InsufficientBalance) as refused:
            await ledger.reserve(
                tx, organization_id=organization, amount=ONE, cause=payout("reserve")
            )
    assert refused.value.data == {"available": "0"}


async def test_a_step_is_booked_once(ctx: AppContext, organization: uuid.UUID) -> None:
    await give(ctx, organization, "10")
    cause = payout("reserve")
    async with ctx.database.transaction() as tx:
        await ledger.reserve(tx, organization_id=organization, amount=ONE, cause=cause)
        with pytest.raises(AlreadyBooked):
            await ledger.reserve(tx, organization_id=organization, amount=ONE, cause=cause)
    with pytest.raises(AlreadyBooked):
        async with ctx.database.transaction() as tx:
            await ledger.reserve(tx, organization_id=organization, amount=ONE, cause=cause)
    assert await held(ctx, organization) == money(ZERO, 9, ONE, ZERO)


async def test_one_payouts_money_does_not_cover_anothers(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    await give(ctx, organization, "20")
    first, second = uuid.uuid4(), uuid.uuid4()
    async with ctx.database.transaction() as tx:
        for ident in (first, second):
            await ledger.reserve(
                tx, organization_id=organization, amount=Decimal(10), cause=payout("reserve", ident)
            )
        await ledger.release(
            tx, organization_id=organization, amount=Decimal(10), cause=payout("release", first)
        )
        for verb, amount in ((ledger.settle, 10), (ledger.release, 11), (ledger.settle, 1)):
            with pytest.raises(ValueError, match="more than was set aside"):
                await verb(
                    tx,
                    organization_id=organization,
                    amount=Decimal(amount),
                    cause=Cause("payout", str(first), "again"),
                )
    assert await held(ctx, organization) == money(ZERO, 10, 10, ZERO)


@pytest.mark.parametrize("amount", ["0", "-5", "0.000000001", "NaN"])
async def test_amounts_that_cannot_be_booked(
    ctx: AppContext, organization: uuid.UUID, amount: str
) -> None:
    async with ctx.database.transaction() as tx:
        for verb in (ledger.reserve, ledger.release, ledger.settle):
            with pytest.raises(ValueError, match="the amount must"):
                await verb(
                    tx, organization_id=organization, amount=Decimal(amount), cause=payout("x")
                )


async def test_a_correction_gives_and_takes(ctx: AppContext, organization: uuid.UUID) -> None:
    await give(ctx, organization, "5")
    await give(ctx, organization, "-2.5")
    assert await held(ctx, organization) == (ZERO, Decimal("2.5"), ZERO, ZERO)
    assert await platform(ctx, organization) == {"corrections": Decimal("-2.5")}
    with pytest.raises(InsufficientBalance):
        await give(ctx, organization, "-2.50000001")
    rows = await ctx.database.pool.fetch(
        "SELECT action, changes FROM audit_entry WHERE action = 'ledger.corrected' ORDER BY id"
    )
    assert len(rows) == 2
    assert '"-2.5"' in rows[1]["changes"]


@pytest.mark.parametrize(
    ("amount", "reason", "field"),
    [("0", "x", "amount"), ("NaN", "x", "amount"), ("1", "  ", "reason"), ("1", "a\nb", "reason"),
     ("1", "x" * 501, "reason")],
)  # fmt: skip
async def test_a_wrong_correction_is_named(
    ctx: AppContext, organization: uuid.UUID, amount: str, reason: str, field: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        async with ctx.database.transaction() as tx:
            await ledger.correct(
                tx,
                actor=operator(organization),
                amount=Decimal(amount),
                reason=reason,
                correction_id=uuid.uuid4(),
            )
    assert [name for name, _ in refused.value.fields] == [field]


async def reverse(ctx: AppContext, organization_id: uuid.UUID, order_id: str) -> Decimal:
    async with ctx.database.transaction() as tx:
        return await ledger.reverse(
            tx, actor=operator(organization_id), order_id=order_id, reason="it was refunded"
        )


@pytest.mark.parametrize("days", [0, 3])
async def test_an_earning_is_taken_back_from_where_it_is(
    ctx: AppContext, organization: uuid.UUID, days: int
) -> None:
    order_id = await earn(holding(ctx, days), organization, "777.77777777", markup_bps=17)
    await give(ctx, organization, "5")
    assert await reverse(ctx, organization, order_id) > 0
    assert await held(ctx, organization) == money(ZERO, 5, ZERO, ZERO)
    assert await platform(ctx, organization) == {"corrections": -5}
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM ledger_hold") == 0
    with pytest.raises(AlreadyBooked):
        await reverse(ctx, organization, order_id)


async def test_only_what_is_there_is_taken_back(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await earn(ctx, organization)
    await give(ctx, organization, "-0.5")
    with pytest.raises(InsufficientBalance):
        await reverse(ctx, organization, order_id)
    other = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name) VALUES ($1, 'Other')", other
    )
    for whose, what in ((other, order_id), (organization, new_order_id())):
        with pytest.raises(NotFound):
            await reverse(ctx, whose, what)
    assert await held(ctx, organization) == (ZERO, Decimal("0.5"), ZERO, ZERO)
