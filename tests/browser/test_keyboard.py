"""The whole dashboard without a mouse: skip link, palette, search page."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import Audit, OpenPage
from tests.browser.stock import Stock


async def test_the_skip_link_leads_to_the_content(signed_in_page: Page, shelf: Stock) -> None:
    page = signed_in_page
    await page.goto("/test/orders/")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()


async def test_the_palette_goes_to_a_pasted_order(
    signed_in_page: Page, shelf: Stock, audit_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/test/")
    await page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search")
    await expect(field).to_be_focused()
    await field.fill(shelf["failed"])
    await expect(page.get_by_role("option", name=shelf["failed"])).to_be_visible()
    await audit_page(page)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/test/orders/{shelf['failed']}")


async def test_the_palette_goes_to_a_page_by_name(signed_in_page: Page, shelf: Stock) -> None:
    page = signed_in_page
    await page.goto("/test/")
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search").fill("ord")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/test/orders/")


async def test_search_without_scripts(open_page: OpenPage, shelf: Stock) -> None:
    page = await open_page(java_script_enabled=False)
    await page.goto("/test/search")
    await page.get_by_role("searchbox").fill("shelf-expired")
    await page.get_by_role("button", name="Search").click()
    await page.wait_for_url(f"**/test/orders/{shelf['expired']}")


async def test_the_search_page_says_when_nothing_is_found(
    signed_in_page: Page, shelf: Stock, audit_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/test/search?q=nothing-like-it")
    await expect(page.get_by_role("heading", name="No results")).to_be_visible()
    await audit_page(page)
    await page.goto("/test/search?q=o")
    await expect(page.get_by_role("heading", name=re.compile("Pages"))).to_be_visible()
    await audit_page(page)
