"""The home page: first steps, figures, and what arrives while one looks."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import Audit, OpenPage
from tests.browser.people import sign_in
from tests.browser.server import Server
from tests.browser.stock import Stock
from tests.conftest import ADDRESSES


async def test_a_partner_without_orders_sees_first_steps(
    signed_in_page: Page, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/live/")
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    await expect(page.locator("pre")).to_contain_text("/order/create")
    await sweep_page(page)
    await page.goto("/live/orders/")
    await expect(page.get_by_role("heading", name="No orders yet")).to_be_visible()
    await sweep_page(page)


async def test_home_holds_the_rules_everywhere(
    signed_in_page: Page, shelf: Stock, sweep_page: Audit
) -> None:
    await signed_in_page.goto("/test/")
    await expect(signed_in_page.get_by_role("heading", name="Overview")).to_be_visible()
    await sweep_page(signed_in_page)


async def test_home_says_what_needs_a_person(
    signed_in_page: Page, server: Server, shelf: Stock
) -> None:
    page = signed_in_page
    await page.goto("/test/")
    await page.get_by_role("link", name=re.compile("needs? a refund")).click()
    await page.wait_for_url("**/test/orders/?status=refund_required")
    await expect(page.locator(f"#row-{shelf['refund_required']}")).to_be_visible()


async def test_the_chart_is_read_with_the_arrows_and_as_a_table(
    signed_in_page: Page, shelf: Stock, audit_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/test/")
    plot = page.get_by_role("application", name="Orders per hour")
    await plot.focus()
    await plot.press("ArrowLeft")
    await expect(page.locator("bar-chart .tip")).to_contain_text("Completed")
    await page.get_by_role("button", name="Show as table").click()
    await expect(page.get_by_role("cell").first).to_be_visible()
    await audit_page(page)


async def test_a_new_order_arrives_without_reload(
    signed_in_page: Page, server: Server, shelf: Stock
) -> None:
    page = signed_in_page
    await page.goto("/test/")
    await expect(page.locator(".live[data-state=on]")).to_be_visible()
    await page.evaluate("document.body.dataset.kept = 'yes'")
    order_id = server.create_order(sandbox_scenario="success", sandbox_ttl=0)
    row = page.locator(f"#order-{order_id}")
    await expect(row).to_be_visible(timeout=20_000)
    await expect(row).to_contain_text("Completed", timeout=20_000)
    assert await page.evaluate("document.body.dataset.kept") == "yes"


async def test_the_checklist_knows_of_a_verified_payout_address(
    open_page: OpenPage, server: Server
) -> None:
    partner = server.organization("Cassia Pay", "owner@cassia.example")
    page = await open_page(anonymous=True)
    await sign_in(page, partner)
    line = page.get_by_role("listitem").filter(has_text="A verified payout address")
    await page.goto("/test/going-live")
    await expect(line).to_contain_text("Earnings add up until then")
    of = ("--organization", partner.organization_id)
    added = server.privata(
        *("payouts", "address", "add", *of, "--currency", "USDC-ERC20", ADDRESSES["ERC20"])
    )
    await page.reload()
    await expect(line).to_contain_text("Earnings add up until then")
    server.privata("payouts", "address", "verify", *of, added.split()[0])
    await page.reload()
    await expect(line).to_contain_text("Your earnings can be paid out.")
