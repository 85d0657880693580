"""The worker's probes: `/healthz` and `/readyz` on a port of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from privata.infra.context import AppContext
from privata.infra.http.probes import create_probes
from privata.infra.http.safe_headers import NO_PAGE, SafeHeaders
from privata.infra.http.server import listen, serve_app_on
from privata.infra.readiness import Readiness

#: A due delivery may wait so long before the worker says that it is not ready, seconds.
LATE_S: Final = 60.0


@dataclass(slots=True)
class Lag:
    """For how many seconds the oldest due delivery has been waiting; None: there is none."""

    seconds: float | None = None

    def reason(self) -> str | None:
        """Why the worker is not ready, in the words of `/readyz`."""
        if self.seconds is None or self.seconds <= LATE_S:
            return None
        return f"the oldest due delivery has been waiting for {self.seconds:.0f} s"


@contextlib.asynccontextmanager
async def probes_served(ctx: AppContext, readiness: Readiness) -> AsyncIterator[None]:
    """Answer the probes while the block runs, where `PRIVATA_WORKER_HEALTH_PORT` is set."""
    host, port = ctx.settings.worker_health_host, ctx.settings.worker_health_port
    if port is None:
        yield
        return
    listener = listen(host, port, "PRIVATA_WORKER_HEALTH_PORT")
    app = SafeHeaders(create_probes(readiness), https=False, more=NO_PAGE)
    task = asyncio.create_task(serve_app_on(listener, app))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
