"""Carrying refunds out: asking the provider outside of any transaction, then writing what it said.

A refund is claimed by moving its `due_at` to the end of a lease. Whoever claims it asks with the
same reference, so a worker that dies between the call and its result costs a repeated question and
never a second payment. What is written needs the lease's token: a late result changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privata.core.errors import ProviderError, ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.events.ops_events import provider_outage_affecting_partner, publish_ops
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.sealing import UnsealError
from privata.orders import service as orders
from privata.orders.service import WholeOrder
from privata.providers.port import RefundReport, RefundRequest, Report
from privata.refunds import store
from privata.refunds.claims import DueRefunds
from privata.refunds.rules import (
    CHECK_EVERY,
    DONE_WITHIN,
    GIVE_UP_AFTER,
    RefundState,
    StableTarget,
    pause_after,
)
from privata.routing.service import routing_of

log = logging.getLogger(__name__)

#: Refunds claimed at once.
BATCH: Final = 20

#: How long a claimed refund stays out of others' sight, and its provider may take. Seconds.
LEASE_S: Final = 30.0
PROVIDER_DEADLINE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Silence:
    """The provider gave no answer that means anything."""

    error: str


async def execute_once(ctx: AppContext, environment: Environment) -> int:
    """Ask the providers of every refund that is due, up to a batch; how many there were."""
    due = await DueRefunds(ctx, environment).claim(BATCH, LEASE_S)
    await asyncio.gather(*(execute(ctx, row) for row in due))
    return len(due)


async def execute(ctx: AppContext, row: store.ClaimedRefund) -> None:
    """Ask the provider of a claimed refund, and write what it said."""
    answer = await _ask(ctx, row)
    now = ctx.clock.now()
    async with ctx.database.transaction() as tx:
        order = await orders.lock_own_order(
            tx, row.order_id, row.organization_id, Environment(row.environment)
        )
        assert order is not None  # a refund goes with its order
        if order.status != OrderStatus.REFUND_REQUIRED:
            # The provider reported by itself that it has sent the deposit back.
            done = RefundState.DONE.value
            if await store.finish_refund(tx, row, state=done, finished_at=now):
                await orders.note_refund(tx, order, now)
        elif isinstance(answer, RefundReport) and answer.done:
            await _done(ctx, tx, order, row, answer, now)
        elif isinstance(answer, RefundReport):
            await _wait(ctx, tx, order, row, answer, now)
        elif isinstance(answer, ProviderRefused):
            sentence = f"The provider rejected the refund: {answer.message}"
            await _hand_over(ctx, tx, order, row, sentence, now)
        else:
            await _try_later(ctx, tx, order, row, answer, now)


async def _ask(
    ctx: AppContext, row: store.ClaimedRefund
) -> RefundReport | ProviderRefused | Silence:
    try:
        request = _request(ctx, row)
        routing = routing_of(ctx)
        provider = await routing.provider(Environment(row.environment), row.provider)
        return await routing.call(
            provider,
            PROVIDER_DEADLINE_S,
            lambda deadline: provider.refund(request, ctx.clock.now(), deadline=deadline),
        )
    except ProviderRefused as error:
        return error
    except (ProviderError, UnsealError) as error:
        log.warning("refund of %s: %s does not answer: %s", row.order_id, row.provider, error)
        return Silence(str(error) or "no answer in time")


def _request(ctx: AppContext, row: store.ClaimedRefund) -> RefundRequest:
    target = row.stable_target and StableTarget(row.stable_target)
    return RefundRequest(
        # Of the order, not of the attempt: there is one refund for it, whoever asks.
        reference=f"refund:{row.order_id}",
        provider_order_id=row.provider_order_id,
        seed=row.quote_id or row.order_id,
        deposit=row.amount_from,
        asset=target.asset if target else row.from_asset,
        network=target.network if target else row.from_network,
        address=row.to_address,
        extra_id=row.to_extra_id,
        requested_at=row.requested_at,
        sandbox=orders.sandbox_plan(row),
        converts=bool(target),
        accepted=row.provider_reference is not None,
        secret=orders.opened_secret(ctx.sealer, row.order_id, row.provider_secret),
    )


async def _done(
    ctx: AppContext,
    tx: Transaction,
    order: WholeOrder,
    row: store.ClaimedRefund,
    answer: RefundReport,
    now: datetime,
) -> None:
    finished = await store.finish_refund(
        tx,
        row,
        state=RefundState.DONE.value,
        provider_reference=answer.provider_reference,
        finished_at=now,
    )
    if finished:
        report = Report(OrderStatus.REFUNDED, tx_out_hash=answer.tx_hash)
        await orders.enter(ctx, tx, order, report, source=orders.BY_PROVIDER)


async def _wait(
    ctx: AppContext,
    tx: Transaction,
    order: WholeOrder,
    row: store.ClaimedRefund,
    answer: RefundReport,
    now: datetime,
) -> None:
    if now - row.requested_at >= DONE_WITHIN:
        hours = int(DONE_WITHIN.total_seconds() // 3600)
        sentence = f"The provider accepted the refund but did not send it within {hours} hours."
        await _hand_over(ctx, tx, order, row, sentence, now)
        return
    await store.finish_refund(
        tx,
        row,
        state=RefundState.PROCESSING.value,
        provider_reference=answer.provider_reference,
        due_at=answer.check_at or now + CHECK_EVERY,
    )


async def _try_later(
    ctx: AppContext,
    tx: Transaction,
    order: WholeOrder,
    row: store.ClaimedRefund,
    answer: Silence,
    now: datetime,
) -> None:
    environment = Environment(row.environment)
    since = row.silent_since or now
    if now - since >= GIVE_UP_AFTER[environment]:
        sentence = "The provider went down before sending the refund."
        if not await _hand_over(ctx, tx, order, row, sentence, now):
            return
        event = provider_outage_affecting_partner(
            provider=row.provider,
            environment=environment,
            reason="refund_interrupted",
            now=now,
            since=since,
            order_id=row.order_id,
        )
        await publish_ops(
            tx, organization_id=row.organization_id, environment=environment, event=event
        )
        return
    attempts = row.attempts + 1
    await store.finish_refund(
        tx,
        row,
        state=RefundState.PROCESSING.value,
        attempts=attempts,
        silent_since=since,
        due_at=now + pause_after(attempts),
    )


async def _hand_over(
    ctx: AppContext,
    tx: Transaction,
    order: WholeOrder,
    row: store.ClaimedRefund,
    sentence: str,
    now: datetime,
) -> bool:
    """Leave the order to the operator; False if the lease was lost."""
    finished = await store.finish_refund(
        tx, row, state=RefundState.FAILED.value, failure=sentence[:256], finished_at=now
    )
    if finished:
        report = Report(OrderStatus.MANUAL_REVIEW)
        await orders.enter(ctx, tx, order, report, source=orders.BY_PROVIDER)
    return finished
