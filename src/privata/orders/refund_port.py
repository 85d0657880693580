"""What an order's pages show of its refund: given by the room of the refunds, which knows orders.

Orders know nothing of refunds but the view `refund_facts`. The refunds register here when the
program starts, so the two rooms import each other in no circle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from privata.core.explorers import ExplorerLink
from privata.infra.context import AppContext
from privata.orders.rows import Order, TimelineEntry


class RefundPanel(Protocol):
    """What orders themselves read of the panel: the asset that goes back, and where to see it.

    The rest is between the refunds and their own template.
    """

    @property
    def asset(self) -> str: ...

    @property
    def network(self) -> str: ...

    @property
    def link(self) -> ExplorerLink | None: ...


PanelOf = Callable[
    [AppContext, Order, Sequence[TimelineEntry], datetime], Awaitable[RefundPanel | None]
]

_given: list[PanelOf] = []


def show_refunds_with(panel_of: PanelOf) -> None:
    """Have the panel of an order worked out by this function from now on."""
    _given[:] = [panel_of]


async def refund_panel(
    ctx: AppContext, order: Order, entries: Sequence[TimelineEntry]
) -> RefundPanel | None:
    """The panel of an order; None for one that never needed a refund.

    `LookupError` where nobody registered: a page without its refund would look like a page of an
    order that has none.
    """
    if not _given:
        raise LookupError("no room shows refunds: see refunds.apps")
    return await _given[0](ctx, order, entries, ctx.clock.now())
