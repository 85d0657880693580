"""Organizations with one endpoint each, for the rows about deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from privata.core.ids import new_id, new_order_id
from privata.core.tenancy import Actor, Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import create_endpoint


@dataclass(frozen=True, slots=True)
class Partner:
    """An organization and its endpoint."""

    organization_id: UUID
    endpoint_id: UUID

    @property
    def actor(self) -> Actor:
        return system_actor(self.organization_id, Environment.TEST, "bench")


async def partner(ctx: AppContext, port: int, path: str) -> Partner:
    """A new one whose endpoint is a path of a sink on this machine."""
    organization_id = new_id()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Bench', 'approved')",
        organization_id,
    )
    endpoint_id, _ = await create_endpoint(
        ctx,
        actor=system_actor(organization_id, Environment.TEST, "bench"),
        url=f"http://localhost:{port}/{path}",
        alias="Sink",
        channel="order",
    )
    return Partner(organization_id, endpoint_id)


async def publish_orders(
    ctx: AppContext, to: Partner, orders: int, *, per_order: int = 1, body_bytes: int = 1024
) -> list[str]:
    """Events of so many new orders in one transaction; their ids."""
    ids: list[str] = []
    body = b'"%b"' % (b"x" * (body_bytes - 2))
    async with ctx.database.transaction() as tx:
        for _ in range(orders):
            order_id = new_order_id()
            events = [
                NewEvent(f"{order_id}:{seq}", "order.confirming", body, seq)
                for seq in range(1, per_order + 1)
            ]
            await publish(
                tx,
                organization_id=to.organization_id,
                environment=Environment.TEST,
                channel="order",
                order_id=order_id,
                events=events,
            )
            ids += [event.event_id for event in events]
    return ids
