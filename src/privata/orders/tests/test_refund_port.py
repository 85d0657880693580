"""What an order's page shows of its refund comes from the room of the refunds."""

from __future__ import annotations

import uuid

import pytest

from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.orders import reading, refund_port
from privata.orders.tests.test_advance import make_order


async def test_a_page_never_goes_without_its_refund(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order whose refund nobody shows would look like one that needs none."""
    monkeypatch.setattr(refund_port.REFUND_PANEL, "_filled", [])
    order_id = await make_order(ctx, organization)
    actor = system_actor(organization, Environment.TEST, "tests")
    order = await reading.order_of(ctx, actor=actor, order_id=order_id)
    assert order is not None
    with pytest.raises(RuntimeError, match="Nothing fills the hook .what an order's page"):
        await refund_port.refund_panel(ctx, order, [])
