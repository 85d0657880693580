"""What an order's pages show of its refund: given by the room of the refunds, which knows orders.

Orders know nothing of refunds but the view `refund_facts`. `dashboard.urls` puts the two together,
so they import each other in no circle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from privata.core.explorers import ExplorerLink
from privata.core.hooks import Hook
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

#: Works out the panel of an order.
REFUND_PANEL: Final[Hook[PanelOf]] = Hook("what an order's page shows of its refund")


async def refund_panel(
    ctx: AppContext, order: Order, entries: Sequence[TimelineEntry]
) -> RefundPanel | None:
    """The panel of an order; None for one that never needed a refund.

    `RuntimeError` while nothing fills the hook: a page without its refund would look like a page of
    an order that has none.
    """
    return await REFUND_PANEL.value(ctx, order, entries, ctx.clock.now())
