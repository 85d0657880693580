"""The dispatcher where its own way to the database, past a pooler, is closed."""

from __future__ import annotations

from uuid import UUID

from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.webhooks.tests.deliveries import dispatching, drained, publish_order, receiving


async def test_deliveries_go_out_where_nobody_can_listen(
    settings: Settings, organization: UUID
) -> None:
    """A wake-up is a hint: the way to it may be closed, and everything is found by polling."""
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    closed = settings.model_copy(update={"database_listen_url": nowhere})
    ctx = await AppContext.open(closed, str(settings.database_url))
    async with receiving(ctx, organization) as (app, _):
        async with dispatching(ctx):
            for _ in range(3):
                await publish_order(ctx, organization)
            await drained(ctx)
        assert app.log.stats()["received"] == 3
    await ctx.close()
