"""An order's life at every provider there is: its own wire format over HTTP, our whole way."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.orders.create import NewOrder, create_order
from privata.orders.following.poller import follow_once
from privata.providers.fakes.exchange import FakeExchange, FakeOrder
from privata.providers.tests.conformance.case import BTC, USDT, Case, address, sell
from privata.providers.tests.conformance.cases import CASES
from privata.quotes.service import estimate
from privata.routing.tests.market import Market

LIVE = Environment.LIVE

#: Each provider once.
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


class Life:
    """One order at one provider."""

    def __init__(
        self, ctx: AppContext, organization: uuid.UUID, case: Case, fake: FakeExchange
    ) -> None:
        self.ctx = ctx
        self.organization = organization
        self.case = case
        self.fake = fake

    async def opened(self, *, refundable: bool = True) -> FakeOrder:
        """An order from the quote on, as the provider has it; `refundable`: with an address."""
        (quote,) = await estimate(
            self.ctx,
            organization_id=self.organization,
            environment=LIVE,
            request=sell("0.01", self.case.usual),
        )
        assert quote.offer.provider == self.case.name
        wanted = NewOrder(
            quote_id=quote.id,
            address=address(USDT, "payout")[0],
            refund_address=address(BTC, "back")[0] if refundable else None,
        )
        actor = system_actor(self.organization, LIVE, "tests")
        shown = json.loads(await create_order(self.ctx, actor=actor, wanted=wanted))
        return self.fake.book[shown["provider_order_id"]]

    async def row(self, there: FakeOrder) -> Any:
        """Our row of the order."""
        return await self.ctx.database.pool.fetchrow(
            "SELECT * FROM orders WHERE provider_order_id = $1", there.id
        )

    async def look(self) -> None:
        """Ask the provider about every order now."""
        await self.ctx.database.pool.execute(
            "UPDATE orders SET poll_at = now() WHERE poll_at IS NOT NULL"
        )
        await follow_once(self.ctx)

    async def states(self, there: FakeOrder) -> list[str]:
        """The states that the order went through."""
        rows = await self.ctx.database.pool.fetch(
            "SELECT t.status FROM order_timeline t JOIN orders o ON o.id = t.order_id"
            " WHERE o.provider_order_id = $1 ORDER BY t.seq",
            there.id,
        )
        return [row["status"] for row in rows]

    def change(self, call: str, meaning: str, raw: bytes) -> bool:
        """Put raw JSON in the place of a field; False where the wire format has none."""
        path = self.case.fields.get(call, {}).get(meaning)
        if path is not None:
            self.fake.changed.setdefault(call, {})[path] = raw
        return path is not None


Lives = Callable[[Case], Any]


@pytest.fixture
async def lives(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch, organization: uuid.UUID
) -> AsyncIterator[Lives]:
    """Enables the provider of a case, with its list read, for as long as it is needed."""
    market = Market(ctx, monkeypatch)

    @asynccontextmanager
    async def life(case: Case) -> AsyncIterator[Life]:
        fake = market.others[case.name] = case.fake()
        adapter = case.adapter(await fake.start())
        await market.enter(case.name, lambda _: adapter)
        yield Life(ctx, organization, case, fake)

    yield life
    await market.close()
