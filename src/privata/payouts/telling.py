"""Telling a partner that a payout is on its way."""

from __future__ import annotations

from datetime import datetime

from privata.core.explorers import explorer_link
from privata.core.tenancy import Environment
from privata.events.ops_events import payout_sent, publish_ops
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_payout_sent
from privata.payouts.challenges import amount_text
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.rows import PayoutRow


async def tell_sent(ctx: AppContext, tx: Transaction, payout: PayoutRow, now: datetime) -> None:
    """Owe the partner the event, and owners and finance the mail, in the step's transaction.

    The sandbox has the event alone: a mail about money that does not exist would frighten people.
    """
    environment = Environment(payout.environment)
    assert payout.tx_hash is not None  # it is the step of the transaction
    event = payout_sent(
        payout_id=payout.id,
        amount=amount_text(payout.amount),
        currency=payout.currency,
        address=payout.address,
        tx_hash=payout.tx_hash,
        environment=environment,
        now=now,
    )
    await publish_ops(
        tx, organization_id=payout.organization_id, environment=environment, event=event
    )
    if environment is Environment.TEST:
        return
    network = PayoutCurrency(payout.currency).network
    link = explorer_link(network, payout.tx_hash, sandbox=False)
    await mail_payout_sent(
        ctx,
        tx,
        organization_id=payout.organization_id,
        amount=amount_text(payout.amount),
        currency=payout.currency,
        address=payout.address,
        tx_hash=payout.tx_hash,
        link=link.url if link else f"{ctx.settings.base_url}/",
    )
