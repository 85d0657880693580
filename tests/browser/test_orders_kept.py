"""Views, columns and exports of the orders list."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Download, Page, Route, expect

from conftest import wait_for
from tests.browser.audit import complaints_of
from tests.browser.conftest import Audit, OpenPage
from tests.browser.server import Server
from tests.browser.stock import Stock

FILTERED = (
    "/test/orders/?status=completed&status=expired&from=BTC&to=ETH&provider=simulator"
    "&since=2020-01-01&usd_min=1&rate_type=float&refund=any"
)


@pytest.fixture
def untouched(server: Server) -> None:
    """Nothing kept by an earlier test."""
    server.execute("DELETE FROM order_saved_view")
    server.execute("DELETE FROM order_list_preference")
    server.execute("DELETE FROM order_export_chunk")
    server.execute("DELETE FROM order_export")


def role_of_the_owner(server: Server, role: str) -> None:
    """Give the owner of our organization another role; everybody else keeps theirs."""
    server.execute(
        "UPDATE membership SET role = %s WHERE organization_id = %s::uuid"
        " AND user_id = (SELECT id FROM app_user WHERE email = %s)",
        role,
        server.credentials.organization_id,
        server.credentials.owner_email,
    )


async def read(download: Download) -> list[dict[str, str]]:
    text = Path(await download.path()).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_every_filter_shows_its_value(
    signed_in_page: Page, shelf: Stock, untouched: None, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto(FILTERED)
    for words in ("BTC to ETH", "since 2020-01-01", "from $1", "Floating", "Any refund"):
        await expect(page.get_by_role("group", name="More filters")).to_contain_text(words)
    await sweep_page(page)
    await page.goto("/test/orders/?since=yesterday&status=lost&usd_min=x")
    await expect(page.get_by_text("Some filters are invalid")).to_be_visible()
    for name in ("since", "status", "usd_min"):
        await expect(page.locator(".notice")).to_contain_text(name)
    await sweep_page(page)


@pytest.mark.parametrize("menu", ["Pair", "Date", "Value", "Columns"])
async def test_the_filters_menus_hold_the_rules(
    signed_in_page: Page, shelf: Stock, untouched: None, audit_page: Audit, menu: str
) -> None:
    page = signed_in_page
    await page.goto("/test/orders/")
    button = page.get_by_role("group", name="More filters").get_by_role("button", name=menu)
    await button.first.click()
    await expect(page.locator(".menu:popover-open")).to_be_visible()
    await audit_page(page)


async def test_a_filter_by_value_and_date(
    signed_in_page: Page, shelf: Stock, untouched: None
) -> None:
    page = signed_in_page
    await page.goto("/test/orders/")
    await page.get_by_role("button", name="Value").click()
    await page.get_by_label("At least, in USD").fill("99999999")
    await page.get_by_role("group", name="Value").get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("No matching orders")).to_be_visible()
    await page.get_by_role("link", name="Clear", exact=True).click()
    await page.get_by_role("button", name="Date", exact=True).click()
    await page.get_by_label("Up to and including").fill("2020-01-01")
    await page.get_by_role("group", name="Date").get_by_role("button", name="Apply").click()
    await expect(page).to_have_url(re.compile("until=2020-01-01"))
    await expect(page.get_by_text("No matching orders")).to_be_visible()


async def test_a_view_is_saved_shown_first_and_deleted(
    signed_in_page: Page, shelf: Stock, untouched: None, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/test/orders/?status=expired&status=failed")
    await page.get_by_role("button", name="Save view").click()
    await page.get_by_label("Name").fill("Lost ones")
    await page.get_by_role("button", name="Save", exact=True).click()
    rail = page.get_by_role("navigation", name="Saved views")
    await expect(rail.get_by_role("link", name="Lost ones")).to_have_attribute(
        "aria-current", "page"
    )
    await expect(page.get_by_role("button", name="Save view")).to_have_count(0)
    await sweep_page(page)
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.get_by_role("button", name="Change view Lost ones").click()
    await page.get_by_role("button", name="Set as default").click()
    await expect(page.get_by_text("Set as your default view")).to_be_visible()
    await page.goto("/test/orders/")
    await expect(page).to_have_url(re.compile("status=expired&status=failed"))
    await rail.get_by_role("link", name="All orders").click()
    await expect(page).to_have_url(re.compile(r"\?all=1$"))
    await page.get_by_role("button", name="Change view Lost ones").click()
    await page.get_by_label("Name").fill("Gone")
    await page.get_by_role("button", name="Rename").click()
    await page.get_by_role("button", name="Change view Gone").click()
    await page.get_by_role("button", name="Delete view").click()
    await expect(rail).to_have_count(0)
    await page.goto("/test/orders/")
    await expect(page).to_have_url(re.compile(r"/test/orders/$"))


async def test_columns_are_kept_and_exported(
    signed_in_page: Page, shelf: Stock, untouched: None
) -> None:
    page = signed_in_page
    await page.goto(f"/test/orders/?q={shelf['completed']}")
    await page.get_by_role("button", name="Columns").click()
    for name in ("Markup", "Value", "Amount in", "Amount out", "Provider", "Age"):
        await page.get_by_role("checkbox", name=name).uncheck()
    await page.get_by_role("checkbox", name="Your reference").check()
    await page.get_by_label("Rows").select_option("compact")
    await page.get_by_role("group", name="Columns").get_by_role("button", name="Apply").click()
    heads = page.locator("thead th")
    await expect(heads).to_have_text(["Pair", "Status", "Your reference"])
    await expect(page.locator("table[data-density=compact]")).to_be_visible()
    await page.get_by_role("link", name="Export").click()
    await expect(page.get_by_role("button", name="Download 1 row")).to_be_visible()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download 1 row").click()
    (line,) = await read(await started.value)
    assert line == {
        "order_id": shelf["completed"],
        "status": "completed",
        "partner_order_ref": "shelf-completed",
        "from": "BTC",
        "from_network": "BTC",
        "to": "ETH",
        "to_network": "ETH",
    }


async def test_a_file_that_was_ready_before_the_page_was_live_is_shown(
    signed_in_page: Page, server: Server, shelf: Stock, untouched: None
) -> None:
    """It stood at "Waiting" for ever: what changed before the stream was open was not told."""
    page = signed_in_page
    ready = asyncio.Event()

    async def when_ready(route: Route) -> None:
        await ready.wait()
        await route.continue_()

    await page.route(re.compile(r"/live(\?|$)"), when_ready)
    with psycopg.connect(server.database_url) as held:
        # The worker cannot write the file before the page stands there and says "Waiting".
        held.execute("LOCK TABLE order_export_chunk IN EXCLUSIVE MODE")
        await start_export(page, shelf["completed"])
        await expect(page.locator("#exports")).to_contain_text(shelf["completed"])

    async def made() -> bool:
        return bool(server.execute("SELECT 1 FROM order_export WHERE state = 'done'"))

    await wait_for(made)
    ready.set()
    await expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()


async def start_export(page: Page, text: str) -> None:
    """Have a file made of the orders that are found by `text`, in the background."""
    await page.goto(f"/test/orders/export?q={text}")
    await expect(page.get_by_text("No files")).to_be_visible()
    # A file in the background takes thousands of orders; the form of one is sent as it is.
    await page.locator("form[action$='export/now']").evaluate(
        "(form) => { form.action = form.action.replace('now', 'start'); }"
    )
    await page.get_by_role("radio", name="All").check()
    await page.get_by_role("button", name="Download 1 row").click()


async def test_a_file_is_made_by_a_worker_and_fetched(
    signed_in_page: Page, server: Server, shelf: Stock, untouched: None, sweep_page: Audit
) -> None:
    page = signed_in_page
    await start_export(page, shelf["completed"])
    link = page.get_by_role("link", name="Download", exact=True)
    await expect(link).to_be_visible(timeout=20_000)
    await expect(page.locator("#exports")).to_contain_text("1 row")
    await sweep_page(page)
    async with page.expect_download() as started:
        await link.click()
    (line,) = await read(await started.value)
    assert line["tx_out_hash"].startswith("out")
    address = str(await link.get_attribute("href"))
    server.execute("UPDATE order_export SET expires_at = now()")
    answer = await page.request.get(address)
    assert answer.status == 404
    actions = server.execute(
        "SELECT action FROM audit_entry WHERE action LIKE 'orders.%%' ORDER BY id DESC LIMIT 3"
    )
    assert [action for (action,) in actions] == [
        "orders.export_downloaded",
        "orders.exported",
        "orders.export_started",
    ]
    complaints_of(page)


async def test_readers_see_the_list_and_export_nothing(
    signed_in_page: Page, server: Server, shelf: Stock
) -> None:
    page = signed_in_page
    role_of_the_owner(server, "readonly")
    try:
        await page.goto("/test/orders/")
        await expect(page.locator("tbody tr").first).to_be_visible()
        await expect(page.get_by_role("link", name="Export")).to_have_count(0)
        answer = await page.goto("/test/orders/export")
        assert answer is not None
        assert answer.status == 403
        # Not even with an address that somebody else was given.
        answer = await page.goto(f"/test/orders/export/{'0' * 8}-0000-4000-8000-{'0' * 12}.csv")
        assert answer is not None
        assert answer.status == 403
    finally:
        role_of_the_owner(server, "owner")
    complaints_of(page)


async def test_the_list_works_without_scripts(
    open_page: OpenPage, shelf: Stock, untouched: None
) -> None:
    page = await open_page(java_script_enabled=False)
    await page.goto("/test/orders/?status=completed")
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("checkbox", name="Rate").check()
    await page.get_by_role("group", name="Columns").get_by_role("button", name="Apply").click()
    await expect(page.locator("thead")).to_contain_text("Rate")
    await page.get_by_role("link", name="Export").click()
    async with page.expect_download() as started:
        await page.get_by_role("button", name=re.compile("Download")).click()
    assert {line["status"] for line in await read(await started.value)} == {"completed"}
