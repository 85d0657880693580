"""The end user's page of one order."""

from __future__ import annotations

import re

import httpx
from playwright.async_api import expect

from tests.browser.audit import PHONE
from tests.browser.conftest import Audit, OpenPage
from tests.browser.server import Server
from tests.browser.stock import Stock


def link_of(server: Server, order_id: str) -> str:
    """The tracking page as the API names it."""
    return str(server.api("GET", f"/order/{order_id}")["tracking_url"])


async def test_every_state_has_plain_words(
    open_page: OpenPage, server: Server, shelf: Stock, audit_page: Audit
) -> None:
    page = await open_page(anonymous=True, size=PHONE)
    for order_id in shelf.orders.values():
        await page.goto(link_of(server, order_id))
        text = await page.locator("main").inner_text()
        assert not re.search("[a-z]_[a-z]", text), "a word of the API, not of people"
        await audit_page(page)


async def test_waiting_shows_what_to_send_where(
    open_page: OpenPage, server: Server, shelf: Stock, sweep_page: Audit
) -> None:
    order = server.api("GET", f"/order/{shelf['waiting_deposit']}")
    page = await open_page(anonymous=True)
    await page.goto(order["tracking_url"])
    await expect(page.get_by_text(order["deposit_address"])).to_be_visible()
    await expect(page.get_by_text(f"{order['amount_from']} {order['from']}")).to_be_visible()
    await sweep_page(page)


async def test_the_page_follows_its_order(open_page: OpenPage, server: Server) -> None:
    order_id = server.create_order(sandbox_scenario="success", sandbox_ttl=4)
    page = await open_page(anonymous=True)
    await page.goto(link_of(server, order_id))
    await expect(page.get_by_role("status").first).to_contain_text("complete", timeout=40_000)


def test_nobody_else_gets_in(server: Server, shelf: Stock) -> None:
    good = link_of(server, shelf["completed"])
    other = link_of(server, shelf["failed"])
    base, _, token = good.partition("?token=")
    wrong = (
        base,
        f"{base}?token=",
        f"{base}?token={token[:-1]}",
        f"{base}?token={other.partition('?token=')[2]}",
        f"{base}?token=é",
        f"{server.base_url}/track/prv-00000000-0000-4000-8000-000000000000?token={token}",
        f"{server.base_url}/track/nonsense?token={token}",
        f"{base}/state",
    )
    bodies = set()
    with httpx.Client() as client:
        answer = client.get(good)
        assert answer.status_code == 200
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert client.post(good).status_code in (403, 405)
        for url in wrong:
            answer = client.get(url)
            assert answer.status_code == 404, url
            bodies.add(re.sub(r'(csrf-token" content|data-now)="[^"]*"', "", answer.text))
        # What no text can hold is refused before anybody looks for an order.
        assert client.get(f"{base}?token=%00é").status_code == 400
    assert len(bodies) == 1
