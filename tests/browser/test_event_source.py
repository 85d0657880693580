"""Chromium's own `EventSource` on a stream: it stops when nothing can follow."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page, Response

from conftest import wait_for
from tests.browser.audit import complaints_of
from tests.browser.server import Server

#: Follows an order until the browser gives up, or came back three times.
_FOLLOW = """
url => new Promise(done => {
  const source = new EventSource(url);
  const seen = [];
  let opened = 0;
  source.addEventListener("open", () => opened++);
  source.addEventListener("order.completed", event => seen.push(event.lastEventId));
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED && opened < 4) return;
    done({ closed: source.readyState === EventSource.CLOSED, opened, seen });
    source.close();
  });
})
"""


async def test_event_source_stops_after_the_last_event(
    signed_in_page: Page, server: Server
) -> None:
    """It got 200 and nothing every two seconds, for ever."""
    page = signed_in_page
    order_id = await asyncio.to_thread(
        server.create_order, sandbox_scenario="success", sandbox_ttl=0
    )

    async def ended() -> bool:
        order = await asyncio.to_thread(server.api, "GET", f"/order/{order_id}")
        return bool(order["status"] == "completed")

    await wait_for(ended)
    await page.goto(server.path("streams/"))
    # What a partner's page has from a proxy of its own: the key, which EventSource cannot send.
    await page.set_extra_http_headers({"X-API-Key": server.credentials.test_key})
    statuses: list[int] = []

    def on_response(answer: Response) -> None:
        if answer.url.endswith("/stream"):
            statuses.append(answer.status)

    page.on("response", on_response)
    told = await page.evaluate(_FOLLOW, f"/partner/v1/order/{order_id}/stream")
    complaints_of(page)  # the console tells of a connection that ended
    assert (told["closed"], told["opened"], len(told["seen"])) == (True, 1, 1)
    assert statuses == [200, 204]
