"""Orders that need a refund, and what partners do with them over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.following.poller import follow_once
from privata.refunds.clock import end_windows_once
from privata.refunds.executing import execute_once
from tests.conftest import Partner

TRON = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"


OTHER_BTC = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


RETURN = {"refund_to_address": OTHER_BTC}


async def settle(ctx: AppContext) -> None:
    """Do everything that is due now."""
    while (
        await follow_once(ctx)
        + await end_windows_once(ctx, Environment.TEST)
        + await execute_once(ctx, Environment.TEST)
    ):
        pass


async def needing(partner: Partner, *, amount: str = "0.1", **changes: Any) -> str:
    """An order that needs a refund."""
    quote = await partner.quote(amount=amount)
    body = {"quote_id": quote["quote_id"], "sandbox_scenario": "refund", "sandbox_ttl": 0}
    made = await partner.create(**(body | changes))
    assert made.status_code == 201, made.text
    await settle(partner.ctx)
    return str(made.json()["order_id"])


async def act(
    partner: Partner, order_id: str, body: Any = None, *, key: str = "", headers: Any = None
) -> httpx.Response:
    path = f"/order/{order_id}/refund-action"
    return await partner.post(path, body or RETURN, key=key, headers=headers)


async def order_of(partner: Partner, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await partner.get(f"/order/{order_id}")).json()
    return found


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    return error


async def types(partner: Partner, order_id: str) -> list[str]:
    rows = await partner.ctx.database.pool.fetch(
        "SELECT type FROM event WHERE order_id = $1 ORDER BY seq", order_id
    )
    return [row["type"].removeprefix("order.") for row in rows]


async def end_window_now(partner: Partner) -> None:
    """Let the order's window be long over."""
    pool = partner.ctx.database.pool
    await pool.execute(
        "UPDATE order_timeline SET at = at - $1::interval WHERE status = 'refund_required'",
        timedelta(hours=24),
    )
    await pool.execute("UPDATE orders SET poll_at = now() WHERE status = 'refund_required'")
    await settle(partner.ctx)
