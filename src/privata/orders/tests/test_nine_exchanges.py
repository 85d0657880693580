"""Every provider with a whole order: from the quote to the end, refunds, and late deposits."""

from __future__ import annotations

import pytest

from privata.core.errors import RefundNotProgrammatic
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import system_actor
from privata.orders.tests.nine import LIVE, Lives, each, lives
from privata.providers.simulator.addresses import tx_hash
from privata.providers.tests.conformance.case import BTC, Case, Step, address
from privata.refunds.clock import end_windows_once
from privata.refunds.executing import execute_once
from privata.refunds.rules import RefundAction, RefundSource, StableTarget
from privata.refunds.service import Wish, request_refund

__all__ = ["lives"]

#: What the capability table of the providers says (PROVIDERS 11).
PROGRAMMATIC = ("changenow", "fixedfloat", "sideshift")

PAST = [one.value for one in OrderStatus][:5]


@each
async def test_an_order_goes_all_the_way(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        there = await life.opened()
        row = await life.row(there)
        assert row["deposit_address"] == there.deposit_address
        assert (row["refund_capability"] == "programmatic") == (case.name in PROGRAMMATIC)
        assert (row["provider_secret"] is not None) == (case.name in ("fixedfloat", "trocador"))
        for word in life.fake.straight:
            life.fake.move(there.id, word)
            await life.look()
        assert await life.states(there) == PAST
        done = await life.row(there)
        assert done["amount_to_actual"] == there.sent
        assert done["tx_out_hash"] == there.tx_out
        earned = await life.ctx.database.pool.fetchval("SELECT usd_value FROM ledger_earning")
        assert earned == done["usd_value"] > 0


@each
async def test_a_refund_goes_through_the_provider_or_to_a_person(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        # Some return a deposit by themselves where they know an address.
        there = await life.opened(refundable=False)
        steps = [one for one in case.steps if one.status is OrderStatus.REFUND_REQUIRED]
        step = case.refund_required or next(iter(steps), Step("failed", OrderStatus.FAILED))
        life.fake.move(there.id, step.word, **step.facts)
        there.tx_in = there.tx_in or tx_hash(there.id, "in")
        await life.look()
        assert (await life.states(there))[-1] == "refund_required"
        order_id = (await life.row(there))["id"]
        asking = {
            "ctx": life.ctx,
            "actor": system_actor(life.organization, LIVE, "tests"),
            "order_id": order_id,
            "source": RefundSource.API,
        }
        back = Wish(RefundAction.RETURN, address(BTC, "back")[0])
        # None of them sends a stablecoin instead, so nobody waits for a refusal.
        stable = Wish(RefundAction.CONVERT, address(BTC, "x")[0], None, StableTarget.USDT_TRC20)
        with pytest.raises(RefundNotProgrammatic):
            await request_refund(wish=stable, **asking)
        if case.name in PROGRAMMATIC:
            await request_refund(wish=back, **asking)
            assert await execute_once(life.ctx, LIVE) == 1
            assert case.finish_refund is not None
            case.finish_refund(life.fake, there.id)
            await life.ctx.database.pool.execute("UPDATE refund SET due_at = now()")
            await execute_once(life.ctx, LIVE)
            assert len(life.fake.calls("refund")) == 1
            assert (await life.states(there))[-1] == "refunded"
            assert (await life.row(there))["tx_out_hash"] == there.tx_refund
            return
        with pytest.raises(RefundNotProgrammatic):
            await request_refund(wish=back, **asking)
        assert life.fake.calls("refund") == []
        await life.ctx.database.pool.execute(
            "UPDATE order_timeline SET at = at - interval '90 days' WHERE order_id = $1", order_id
        )
        await life.ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
        await end_windows_once(life.ctx, LIVE)
        assert (await life.states(there))[-1] == "manual_review"


@each
async def test_a_late_deposit_is_seen_after_the_order_has_expired(lives: Lives, case: Case) -> None:
    step = next((one for one in case.steps if one.status is OrderStatus.EXPIRED), None)
    async with lives(case) as life:
        there = await life.opened()
        assert step is not None
        life.fake.move(there.id, step.word, **step.facts)
        await life.look()
        assert (await life.states(there))[-1] == "expired"
        for word in (life.fake.straight[-2], life.fake.straight[-1]):
            life.fake.move(there.id, word)
            await life.look()
        row = await life.row(there)
        assert (row["status"], row["late_state"]) == ("expired", "swapped")
        # It has expired, so nothing was earned and the state stays.
        assert await life.ctx.database.pool.fetchval("SELECT count(*) FROM ledger_earning") == 0


@each
async def test_words_that_we_do_not_know_need_a_person(
    lives: Lives, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    async with lives(case) as life:
        there = await life.opened()
        assert life.change("status", "status", b'"teleporting"')
        await life.look()
        assert (await life.states(there))[-1] == "manual_review"
        assert "unknown status 'teleporting'" in caplog.text
