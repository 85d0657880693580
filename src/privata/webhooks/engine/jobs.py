"""What the worker runs for webhooks."""

from __future__ import annotations

from privata.infra.kernel import Kernel
from privata.webhooks.engine.dispatcher import Dispatcher
from privata.webhooks.engine.slots import ops_slots
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import MAX_CONNECTIONS, Transport


async def dispatch(kernel: Kernel) -> None:
    """Deliver webhooks until cancelled; what is under way then is ended and settled first."""
    resolver = Resolver()
    concurrency = kernel.settings.dispatch_concurrency
    connections = max(MAX_CONNECTIONS, concurrency + ops_slots(concurrency))
    transport = Transport(resolver, max_connections=connections)
    try:
        await Dispatcher(kernel, transport).run()
    finally:
        await transport.aclose()
        await resolver.aclose()
