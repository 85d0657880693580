"""The operator's hand: approval, sending, settling, failing; what the partner is told."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

import pytest

from privata.core.errors import NotFound, ValidationFailed, WrongPayoutState
from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.payouts import settling
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.tests.making import HASH, Payee, make_endpoint, with_settings

TX = HASH[PayoutCurrency.USDT_ERC20]


async def _confirmed(payee: Payee, amount: str = "500") -> uuid.UUID:
    made = await payee.request(amount)
    await payee.confirm(made)
    return uuid.UUID(str(made.payout.id))


async def test_the_whole_way_by_hand(payee: Payee, ctx: AppContext) -> None:
    ident = await _confirmed(payee)
    (waiting,) = await settling.waiting_payouts(ctx)
    assert (waiting.id, waiting.organization) == (ident, "Acme Wallet")
    with pytest.raises(WrongPayoutState):
        await settling.settle_payout(ctx, by="op", payout_id=ident, tx_hash=TX)
    await settling.process_payout(ctx, by="op", payout_id=ident)
    with pytest.raises(ValidationFailed, match="Specify the transaction"):
        await settling.settle_payout(ctx, by="op", payout_id=ident)
    done = await settling.settle_payout(ctx, by="op", payout_id=ident, tx_hash=TX)
    assert (done.status, done.tx_hash) == ("settled", TX)
    assert done.sent_at is not None
    assert await payee.balances() == ("1500.00", "0.00", "500.00")
    assert await settling.waiting_payouts(ctx) == []
    rows = await ctx.database.pool.fetch(
        "SELECT action, actor_kind, actor_label FROM audit_entry WHERE target = $1 ORDER BY seq",
        str(ident),
    )
    assert [tuple(row) for row in rows][2:] == [
        (action, "operator", "op")
        for action in ("payout.processed", "payout.sent", "payout.settled")
    ]


async def test_large_payouts_wait_for_a_yes(payee: Payee, ctx: AppContext) -> None:
    payee.ctx = with_settings(payee.ctx, payout_approval_usd=Decimal(0))
    ident = await _confirmed(payee)
    with pytest.raises(WrongPayoutState, match="needs the operator's approval"):
        await settling.process_payout(ctx, by="op", payout_id=ident)
    approved = await settling.approve_payout(ctx, by="boss", payout_id=ident)
    assert (approved.status, approved.approved_by) == ("approved", "boss")
    with pytest.raises(WrongPayoutState):
        await settling.approve_payout(ctx, by="boss", payout_id=ident)
    await settling.process_payout(ctx, by="op", payout_id=ident)


async def test_small_ones_need_none(payee: Payee, ctx: AppContext) -> None:
    ident = await _confirmed(payee)
    with pytest.raises(WrongPayoutState):
        await settling.approve_payout(ctx, by="boss", payout_id=ident)


async def test_a_failed_one_gives_the_money_back(payee: Payee, ctx: AppContext) -> None:
    ident = await _confirmed(payee)
    with pytest.raises(WrongPayoutState):
        await settling.fail_payout(ctx, by="op", payout_id=ident, reason="x")
    await settling.process_payout(ctx, by="op", payout_id=ident)
    with pytest.raises(ValidationFailed, match="The reason must be"):
        await settling.fail_payout(ctx, by="op", payout_id=ident, reason=" ")
    await settling.mark_sent(ctx, by="op", payout_id=ident, tx_hash=TX)
    failed = await settling.fail_payout(
        ctx, by="op", payout_id=ident, reason="The transaction was reverted."
    )
    assert (failed.status, failed.failure) == ("failed", "The transaction was reverted.")
    assert await payee.balances() == ("2000.00", "0.00", "0.00")


async def test_one_transaction_pays_one_payout(payee: Payee, ctx: AppContext) -> None:
    first, second = await _confirmed(payee), await _confirmed(payee)
    for ident in (first, second):
        await settling.process_payout(ctx, by="op", payout_id=ident)
    for wrong in ("ab" * 32, "0x" + "AB" * 32, "0x12", "", TX + "\n"):
        with pytest.raises(ValidationFailed, match="64 lowercase hexadecimal digits"):
            await settling.mark_sent(ctx, by="op", payout_id=first, tx_hash=wrong)
    await settling.mark_sent(ctx, by="op", payout_id=first, tx_hash=TX)
    with pytest.raises(ValidationFailed, match="pays another payout"):
        await settling.settle_payout(ctx, by="op", payout_id=second, tx_hash=TX)
    with pytest.raises(ValidationFailed, match="has the transaction"):
        await settling.settle_payout(ctx, by="op", payout_id=first, tx_hash="0x" + "cd" * 32)
    await settling.settle_payout(ctx, by="op", payout_id=first)
    assert await payee.balances() == ("1000.00", "500.00", "500.00")


async def test_the_operator_may_call_off_before_processing(payee: Payee, ctx: AppContext) -> None:
    ident = await _confirmed(payee)
    gone = await settling.call_off(ctx, by="op", payout_id=ident)
    assert gone.failure == "canceled by the operator"
    assert await payee.balances() == ("2000.00", "0.00", "0.00")
    second = await _confirmed(payee)
    await settling.process_payout(ctx, by="op", payout_id=second)
    with pytest.raises(WrongPayoutState):
        await settling.call_off(ctx, by="op", payout_id=second)
    for verb in (settling.approve_payout, settling.process_payout, settling.call_off):
        with pytest.raises(NotFound):
            await verb(ctx, by="op", payout_id=uuid.uuid4())


async def test_the_partner_is_told_by_event_and_mail(payee: Payee, ctx: AppContext) -> None:
    pool = ctx.database.pool
    for number, role in enumerate(("owner", "finance", "finance", "admin", "developer")):
        await pool.execute(
            "WITH made AS (INSERT INTO app_user (email, password, is_superuser)"
            " VALUES ($1, '!', false) RETURNING id)"
            " INSERT INTO membership (organization_id, user_id, role) SELECT $2, id, $3 FROM made",
            f"{role}{number}@acme.example",
            payee.organization_id,
            role,
        )
    await pool.execute(
        "INSERT INTO notice_opt_out (membership_id, notice) SELECT m.id, 'payout_sent'"
        " FROM membership AS m JOIN app_user AS u ON u.id = m.user_id"
        " WHERE u.email = 'finance2@acme.example'"
    )
    live, _ = await make_endpoint(ctx, payee.organization_id, channel="ops")
    await make_endpoint(ctx, payee.organization_id, Environment.TEST, channel="ops")
    ident = await _confirmed(payee)
    await settling.process_payout(ctx, by="op", payout_id=ident)
    await settling.settle_payout(ctx, by="op", payout_id=ident, tx_hash=TX)
    (event,) = await pool.fetch("SELECT * FROM event WHERE type = 'payout_sent'")
    body = json.loads(unpacked(event["body"]))
    assert (body["payout_id"], body["amount"], body["tx_hash"]) == (str(ident), "500.00", TX)
    assert (event["environment"], "sandbox" in body) == ("live", False)
    (delivery,) = await pool.fetch("SELECT endpoint_id FROM webhook_due")
    assert delivery["endpoint_id"] == live
    mails = await pool.fetch("SELECT template, recipient FROM mail WHERE template = 'payout_sent'")
    assert sorted(row["recipient"] for row in mails) == [
        "finance1@acme.example",
        "owner0@acme.example",
    ]
