"""What the worker runs for webhooks."""

from __future__ import annotations

from privata.infra.context import AppContext
from privata.webhooks.engine.dispatcher import Dispatcher
from privata.webhooks.engine.slots import ops_slots
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import MAX_CONNECTIONS, Transport


async def dispatch(ctx: AppContext) -> None:
    """Deliver webhooks until cancelled; what is under way then is ended and recorded first."""
    resolver = Resolver()
    concurrency = ctx.settings.dispatch_concurrency
    connections = max(MAX_CONNECTIONS, concurrency + ops_slots(concurrency))
    transport = Transport(resolver, max_connections=connections)
    try:
        await Dispatcher(ctx, transport).run()
    finally:
        await transport.aclose()
        await resolver.aclose()
