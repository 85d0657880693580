"""Streams before `EventSource` of npm; run by `scripts/check_js_streams.sh`, which fetches it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

from tests.conftest import Partner
from tests.journeys.partner.test_streams import follow, log_of, make


async def test_event_source_of_npm_stops_after_the_last_event(
    partner: Partner, api_url: str
) -> None:
    """It got 200 and nothing every two seconds, for ever."""
    order_id = await make(partner, "success", ttl=0)
    await follow(partner.ctx)
    process = await asyncio.create_subprocess_exec(
        "node",
        str(Path(os.environ["PRIVATA_JS_CHECKS"]) / "follow.mjs"),
        f"{api_url}/partner/v1/order/{order_id}/stream",
        partner.test_key,
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    last = (await log_of(partner.ctx, order_id))[-1]
    assert json.loads(out) == {"statuses": [200, 204], "seen": [last.id]}
