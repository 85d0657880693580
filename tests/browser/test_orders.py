"""The orders list and the page of one order."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.audit import complaints_of
from tests.browser.conftest import Audit
from tests.browser.server import Server
from tests.browser.stock import Stock

TABS = ("", "?tab=timeline", "?tab=transactions", "?tab=deliveries", "?tab=raw")


async def test_the_list_holds_the_rules_everywhere(
    signed_in_page: Page, shelf: Stock, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/test/orders/")
    await sweep_page(page)
    await page.goto("/test/orders/?q=nothing&status=completed&from=BTC&span=7d")
    await expect(page.get_by_role("link", name="Clear filters")).to_be_visible()
    await sweep_page(page)


@pytest.mark.parametrize("tab", TABS)
async def test_an_order_holds_the_rules_everywhere(
    signed_in_page: Page, shelf: Stock, sweep_page: Audit, tab: str
) -> None:
    await signed_in_page.goto(f"/test/orders/{shelf['completed']}{tab}")
    await sweep_page(signed_in_page)


@pytest.mark.parametrize("status", ["waiting_deposit", "failed", "refund_required"])
async def test_every_kind_of_order_holds_the_rules(
    signed_in_page: Page, shelf: Stock, sweep_page: Audit, status: str
) -> None:
    await signed_in_page.goto(f"/test/orders/{shelf[status]}")
    await sweep_page(signed_in_page)


def counted(server: Server, *statuses: str) -> int:
    """How many test orders there are; other files of tests make some too."""
    ((number,),) = server.execute(
        "SELECT count(*) FROM orders WHERE status = ANY (%s) AND environment = 'test'"
        " AND from_asset = 'BTC' AND organization_id = %s::uuid",
        list(statuses),
        server.credentials.organization_id,
    )
    return int(number)


async def test_filters_stand_in_the_address(
    signed_in_page: Page, server: Server, shelf: Stock
) -> None:
    page = signed_in_page
    stuck = ("refund_required", "manual_review")
    rows = page.locator("tbody tr")
    await page.goto("/test/orders/")
    await page.get_by_role("link", name="Needs action").click()
    await expect(page).to_have_url(re.compile("status=refund_required&status=manual_review"))
    await expect(rows).to_have_count(counted(server, *stuck))
    await page.get_by_role("button", name="Pair", exact=True).click()
    await page.get_by_label("From", exact=True).fill("btc")
    await page.get_by_role("group", name="Pair").get_by_role("button", name="Apply").click()
    await expect(page).to_have_url(re.compile("from=btc|from=BTC"))
    await expect(rows).to_have_count(counted(server, *stuck))
    await page.go_back()
    await page.get_by_role("button", name="Status", exact=False).first.click()
    await page.get_by_role("checkbox", name="Expired").check()
    await page.get_by_role("group", name="Status").get_by_role("button", name="Apply").click()
    await expect(rows).to_have_count(counted(server, *stuck, "expired"))
    await page.get_by_role("link", name="Clear", exact=True).click()
    await expect(page).to_have_url(re.compile(r"/test/orders/$"))


async def test_search_finds_by_everything_exact(signed_in_page: Page, shelf: Stock) -> None:
    page = signed_in_page
    order_id = shelf["completed"]
    for text in (order_id, "shelf-completed", f"in{order_id[4:]}", f"out{order_id[4:]}"):
        await page.goto("/test/orders/")
        await page.keyboard.press("/")
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile(r"\?q="))
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator(f"#row-{order_id}")).to_be_visible()


async def test_new_orders_wait_behind_a_pill(
    signed_in_page: Page, server: Server, shelf: Stock
) -> None:
    page = signed_in_page
    await page.goto("/test/orders/")
    await expect(page.locator(".live[data-state=on]")).to_be_visible()
    first = await page.locator("tbody tr").first.get_attribute("id")
    order_id = server.create_order(sandbox_scenario="stuck", sandbox_ttl=600)
    pill = page.get_by_role("link", name="new order")
    await expect(pill).to_be_visible(timeout=20_000)
    assert await page.locator("tbody tr").first.get_attribute("id") == first
    await pill.click()
    await expect(page.locator("tbody tr").first).to_have_id(f"row-{order_id}")


async def test_an_order_moves_under_ones_eyes(
    signed_in_page: Page, server: Server, shelf: Stock
) -> None:
    page = signed_in_page
    order_id = server.create_order(sandbox_scenario="success", sandbox_ttl=6)
    await page.goto(f"/test/orders/{order_id}?tab=timeline")
    link = page.get_by_role("link", name="Timeline")
    await link.focus()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Completed", timeout=30_000)
    await expect(page.get_by_role("list", name="States, newest first")).to_contain_text(
        "order.completed"
    )
    await expect(link).to_be_focused()


async def test_an_order_says_what_matters(signed_in_page: Page, shelf: Stock) -> None:
    page = signed_in_page
    await page.goto(f"/test/orders/{shelf['completed']}")
    await expect(page.get_by_text("Slippage -")).to_be_visible()
    await page.goto(f"/test/orders/{shelf['completed']}?tab=transactions")
    await expect(page.get_by_text("none: this transaction is simulated")).to_have_count(2)
    await page.goto(f"/test/orders/{shelf['failed']}")
    await expect(page.get_by_text("Less arrived than was asked for.")).to_be_visible()
    await page.goto(f"/test/orders/{shelf['refund_required']}")
    await expect(page.get_by_text("Window closes in")).to_be_visible()


async def test_the_refund_address_is_never_shown(signed_in_page: Page, server: Server) -> None:
    address = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
    order_id = server.create_order(refund_address=address, sandbox_scenario="stuck")
    for tab in TABS:
        await signed_in_page.goto(f"/test/orders/{order_id}{tab}")
        assert address not in await signed_in_page.content()


async def test_anothers_order_looks_like_none_at_all(signed_in_page: Page, server: Server) -> None:
    page = signed_in_page
    mine = server.create_order(sandbox_scenario="stuck")
    other = server.organization("Other Wallet", "other@other.example")
    theirs = server.create_order(sandbox_scenario="stuck")
    server.execute(
        "WITH moved AS (UPDATE orders SET organization_id = %s::uuid WHERE id = %s"
        " RETURNING id, organization_id)"
        " UPDATE order_timeline AS t SET organization_id = moved.organization_id"
        " FROM moved WHERE t.order_id = moved.id",
        other.organization_id,
        theirs,
    )
    bodies = []
    for path in (
        f"/test/orders/{theirs}",
        "/test/orders/prv-00000000-0000-4000-8000-000000000000",
        "/test/orders/nonsense",
        f"/live/orders/{mine}",
    ):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 404
        text = await page.content()
        bodies.append(re.sub(r'(csrf-token" content|data-now)="[^"]*"', "", text))
    assert len(set(bodies)) == 1
    await page.goto(f"/test/orders/?q={theirs}")
    await expect(page.get_by_text("No matching orders")).to_be_visible()
    complaints_of(page)
