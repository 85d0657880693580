"""Every difference is found, what can be noted again is, and the rest waits for a person."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from privata.core.errors import WrongPayoutState
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.tests.test_generation import move
from privata.ledger.verify import verify as verify_ledger
from privata.payouts import settling
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.restored.claims import Claim
from privata.payouts.restored.comparing import Difference, Kind, compare, repeat_all
from privata.payouts.tests.making import ADDRESS, HASH, Payee, with_settings
from privata.payouts.verify import verify

S = PayoutStatus
ETH = PayoutCurrency.USDT_ERC20
TX = HASH[ETH]


@pytest.fixture
async def restored(payee: Payee, ctx: AppContext) -> Payee:
    """A partner whose payouts are on hold."""
    payee.ctx = with_settings(payee.ctx, payout_requests_per_day=10)
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    return payee


async def released(payee: Payee) -> None:
    await generation.confirm(payee.ctx.database, by="tests", anew=False)


def whole(payee: Payee, status: PayoutStatus = S.SENT, amount: str = "500") -> Claim:
    """A claim that says all, about a payout that the database never had."""
    tx_hash = None if status is S.PROCESSING else TX
    return Claim(
        uuid.uuid4(), status, tx_hash, payee.organization_id, ETH, ADDRESS[ETH], Decimal(amount)
    )


async def found(payee: Payee, *claims: Claim) -> list[Difference]:
    return await compare(payee.ctx, {claim.payout_id: claim for claim in claims})


async def stands_well(payee: Payee) -> None:
    assert (await verify(payee.ctx)).findings == ()
    assert (await verify_ledger(payee.ctx)).findings == ()


async def test_what_was_sent_cannot_be_sent_again(payee: Payee, ctx: AppContext) -> None:
    made = await payee.request()
    await payee.confirm(made)
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    claim = Claim(made.payout.id, S.SENT, TX)
    (one,) = await found(payee, claim)
    assert (one.kind, one.here, one.outside) == (Kind.FORGOTTEN, "confirmed", "sent")
    assert await payee.status(made) == "confirmed", "comparing changed it"
    assert await repeat_all(payee.ctx, [one], by="boss") == [made.payout.id]
    assert await found(payee, claim) == []
    assert await payee.status(made) == "sent"
    assert await payee.balances() == ("1500.00", "500.00", "0.00")
    await released(payee)
    with pytest.raises(WrongPayoutState):
        await settling.process_payout(ctx, by="op", payout_id=made.payout.id)
    entry = await ctx.database.pool.fetchrow(
        "SELECT actor_label, changes FROM audit_entry WHERE action = 'payout.restored'"
    )
    assert entry is not None
    assert entry["actor_label"] == "boss"
    assert json.loads(entry["changes"])["was"] == "confirmed"
    await stands_well(payee)


@pytest.mark.parametrize(
    ("status", "balances"),
    [
        (S.PROCESSING, ("1500.00", "500.00", "0.00")),
        (S.SENT, ("1500.00", "500.00", "0.00")),
        (S.SETTLED, ("1500.00", "0.00", "500.00")),
        (S.FAILED, ("2000.00", "0.00", "0.00")),
    ],
)
async def test_a_payout_that_the_database_never_had_is_given_to_it(
    restored: Payee, status: PayoutStatus, balances: tuple[str, ...]
) -> None:
    claim = whole(restored, status)
    (one,) = await found(restored, claim)
    assert (one.kind, one.here, one.outside) == (Kind.MISSING, "missing", status.value)
    await repeat_all(restored.ctx, [one], by="boss")
    assert await found(restored, claim) == []
    assert await restored.balances() == balances
    events = await restored.ctx.database.pool.fetchval("SELECT count(*) FROM event")
    assert events == (0 if status is S.PROCESSING else 1)
    await stands_well(restored)


async def test_one_that_was_requested_alone_goes_the_whole_way(restored: Payee) -> None:
    await released(restored)
    restored.ctx = with_settings(restored.ctx, payout_approval_usd=Decimal(0))
    made = await restored.request()
    await move(restored.ctx, timeline=9)
    (one,) = await found(restored, Claim(made.payout.id, S.SETTLED, TX))
    await repeat_all(restored.ctx, [one], by="boss")
    row = await restored.ctx.database.pool.fetchrow("SELECT * FROM payout")
    assert row is not None
    assert (row["status"], row["approved_by"], row["tx_hash"]) == ("settled", "boss", TX)
    await stands_well(restored)


async def test_conflicts_wait_for_a_person(restored: Payee) -> None:
    await released(restored)
    made, cancelled = await restored.request(), await restored.request()
    await settling.call_off(restored.ctx, by="op", payout_id=cancelled.payout.id)
    await move(restored.ctx, timeline=9)
    whole_one = whole(restored)
    known = Claim(made.payout.id, S.SENT, TX)
    for claim, why in (
        (Claim(uuid.uuid4(), S.SENT, TX), "does not say its organization_id, currency"),
        (Claim(cancelled.payout.id, S.SENT, TX), "cancelled here, which is final"),
        (replace(known, amount=Decimal(501)), "its amount is 500.00 here and 501 outside"),
        (replace(known, address="0x1"), "its address is"),
        (replace(known, tx_hash="xy"), "transaction hash must be"),
        (replace(whole_one, amount=Decimal(5000)), "available"),
        (replace(whole_one, currency=PayoutCurrency.USDC_SOL), "is not a verified address"),
        (replace(whole_one, organization_id=uuid.uuid4()), "Organization not found"),
    ):
        (one,) = await found(restored, claim)
        assert (one.kind, one.claim) == (Kind.CONFLICT, None), one
        assert why in one.how
        assert await repeat_all(restored.ctx, [one], by="boss") == []


async def test_a_transaction_pays_one_payout_here_too(restored: Payee) -> None:
    first, second = whole(restored), whole(restored)
    await repeat_all(restored.ctx, await found(restored, first), by="boss")
    (one,) = await found(restored, first, second)
    assert (one.kind, one.payout_id) == (Kind.CONFLICT, second.payout_id)
    assert "already pays another payout" in one.how


async def test_what_agrees_is_no_difference_and_what_no_list_has_is_said(payee: Payee) -> None:
    made = await payee.request()
    await payee.confirm(made)
    ident = made.payout.id
    await settling.process_payout(payee.ctx, by="op", payout_id=ident)
    await settling.mark_sent(payee.ctx, by="op", payout_id=ident, tx_hash=TX)
    assert await found(payee, Claim(ident, S.SENT, TX)) == []
    assert await found(payee, Claim(ident, S.PROCESSING)) == []
    (one,) = await found(payee)
    assert (one.kind, one.here, one.open) == (Kind.ONLY_HERE, "sent", False)
    (other,) = await found(payee, Claim(ident, S.SENT, "0x" + "cd" * 32))
    assert other.kind is Kind.CONFLICT
    (later,) = await found(payee, Claim(ident, S.FAILED, TX))
    await repeat_all(payee.ctx, [later], by="boss")
    assert await payee.status(made) == "failed"
