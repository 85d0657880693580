"""Whether the amount that a provider says it sent can be meant: pure.

Rates move while a deposit is on its way, and users send more or less than they were told. What is
far from both is a mistake or a lie, and a person looks before anybody is told that it is done.
"""

from __future__ import annotations

import logging
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.core.money import CONTEXT
from privata.orders.rows import Order
from privata.providers.port import Report

log = logging.getLogger(__name__)

#: How far a sent amount may be from what the deposit was to buy, as a factor.
MOST_OFF: Final = 2


def believed(order: Order, report: Report) -> Report:
    """The report, or one that asks for a person: the provider sent the wrong amount.

    `report.deposited` is what arrived, where the provider says so; else it is what was agreed.
    """
    sent = report.amount_to_actual
    if report.status is not OrderStatus.COMPLETED or sent is None:
        return report
    arrived = order.amount_from if report.deposited is None else report.deposited
    bought = CONTEXT.divide(CONTEXT.multiply(order.amount_to_expected, arrived), order.amount_from)
    if bought <= sent * MOST_OFF and sent <= bought * MOST_OFF:
        return report
    log.error("order %s: %s sent an amount that cannot be meant", order.id, order.provider)
    return Report(OrderStatus.MANUAL_REVIEW, tx_in_hash=report.tx_in_hash)
