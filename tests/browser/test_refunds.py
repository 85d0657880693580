"""The refund panel of an order, and choosing what happens to its deposit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.audit import complaints_of
from tests.browser.conftest import Audit, OpenPage
from tests.browser.server import Server
from tests.browser.stock import Stock

MINE = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def needing(server: Server, **changes: Any) -> str:
    """An order that needs a refund, with a window of a day."""
    return server.create_order(sandbox_scenario="refund", sandbox_ttl=0, **changes)


async def panel_of(page: Page, order_id: str) -> None:
    await page.goto(f"/test/orders/{order_id}")
    await expect(page.get_by_role("heading", level=2, name="Refund needed")).to_be_visible(
        timeout=20_000
    )


async def enter(page: Page, address: str) -> None:
    await page.get_by_label("Return it to another address").check()
    await page.get_by_label("Address on BTC").fill(address)


@pytest.mark.parametrize("status", ["refund_required", "manual_review"])
async def test_the_panel_holds_the_rules(
    signed_in_page: Page, shelf: Stock, sweep_page: Audit, status: str
) -> None:
    await signed_in_page.goto(f"/test/orders/{shelf[status]}")
    await sweep_page(signed_in_page)


async def test_a_deposit_is_returned_to_an_address_that_was_compared(
    signed_in_page: Page, server: Server, sweep_page: Audit
) -> None:
    page = signed_in_page
    order_id = needing(server, refund_address=GENESIS)
    await panel_of(page, order_id)
    await expect(page.get_by_text("Window closes in")).to_be_visible()
    said = "The deposit is returned as BTC to the refund address"
    await expect(page.get_by_text(said)).to_be_visible()
    await page.get_by_role("link", name="Choose what happens").click()
    await expect(page.get_by_label("Return it to the refund address")).to_be_checked()
    await expect(page.get_by_label("Address on BTC")).to_be_hidden()
    await sweep_page(page)
    await enter(page, MINE[:-1])
    await expect(page.get_by_role("status").get_by_text("checksum")).to_be_visible()
    await page.get_by_label("Address on BTC").fill(MINE)
    ends = page.locator("#address-check .ends b")
    await expect(ends).to_have_text([MINE[:6], MINE[-6:]])
    await sweep_page(page)
    await page.get_by_role("button", name="Review").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Review the refund")
    await expect(page.locator(".ends b")).to_have_text([MINE[:6], MINE[-6:]])
    await sweep_page(page)
    await page.get_by_role("button", name="Change").click()
    await expect(page.get_by_label("Address on BTC")).to_have_value(MINE)
    await page.get_by_role("button", name="Review").click()
    await page.get_by_role("button", name="Return 0.1 BTC").click()
    await expect(page).to_have_url(re.compile(f"/test/orders/{order_id}$"))
    await expect(page.get_by_role("heading", level=2, name="Refunded")).to_be_visible(
        timeout=20_000
    )
    await expect(page.get_by_text("none: this transaction is simulated")).to_be_visible()
    await sweep_page(page)
    text = await page.content()
    assert MINE not in text
    assert GENESIS not in text
    entry = server.execute(
        "SELECT actor_kind, actor_label, changes::text FROM audit_entry WHERE target = %s", order_id
    )
    assert [row[:2] for row in entry] == [("user", "owner@acme.example")]
    assert MINE not in entry[0][2]
    await page.goto(f"/test/orders/{order_id}/refund")
    await expect(page).to_have_url(re.compile(f"/test/orders/{order_id}$"))


async def test_everything_works_without_scripts(open_page: OpenPage, server: Server) -> None:
    order_id = needing(server)
    page = await open_page(java_script_enabled=False)
    for _ in range(200):
        await page.goto(f"/test/orders/{order_id}")
        if await page.get_by_role("heading", level=2, name="Refund needed").is_visible():
            break
    await page.get_by_role("link", name="Choose what happens").click()
    await page.get_by_label("Convert it to a stablecoin").check()
    await page.get_by_label("Stablecoin", exact=True).select_option("USDT-TRC20")
    await page.get_by_role("button", name="Review").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter an address on TRC20.")
    await page.get_by_label("Address on the stablecoin").fill(MINE)
    await page.get_by_role("button", name="Review").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("Address on the stablecoin")).to_have_value(MINE)
    await expect(page.get_by_label("Stablecoin", exact=True)).to_have_value("USDT-TRC20")
    await page.get_by_label("Stablecoin", exact=True).select_option("USDT-ERC20")
    await page.get_by_label("Address on the stablecoin").fill("")
    await page.get_by_role("button", name="Review").click()
    await expect(page.get_by_text("exchanged for USDT on ERC20")).to_be_visible()
    await page.get_by_role("button", name="Convert and send").click()
    await expect(page).to_have_url(re.compile(f"/test/orders/{order_id}$"))
    await expect(page.get_by_text("converted to USDT on ERC20")).to_be_visible()
    complaints_of(page)


async def test_a_refused_refund_says_so(
    signed_in_page: Page, server: Server, sweep_page: Audit
) -> None:
    page = signed_in_page
    order_id = server.create_order(
        sandbox_scenario="refund", sandbox_ttl=0, quote={"amount": "0.10403"}
    )
    await panel_of(page, order_id)
    await page.get_by_role("link", name="Choose what happens").click()
    await enter(page, MINE)
    await page.get_by_role("button", name="Review").click()
    await page.get_by_role("button", name="Return 0.10403 BTC").click()
    await expect(page.get_by_text("The provider rejected the refund")).to_be_visible(timeout=20_000)
    await expect(
        page.get_by_role("heading", level=2, name="Waiting for a decision")
    ).to_be_visible()
    await sweep_page(page)


async def test_those_who_may_not_act_see_the_state_only(
    open_page: OpenPage, server: Server
) -> None:
    other = server.organization("Finance Wallet", "fay@finance.example")
    order_id = needing(server)
    page = await open_page(anonymous=True)
    await page.goto("/login")
    await page.get_by_label("Email", exact=True).fill(other.owner_email)
    await page.get_by_label("Password", exact=True).fill(other.owner_password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/test/")
    for path in (f"/test/orders/{order_id}/refund", f"/test/orders/{order_id}"):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 404
    server.execute(
        "WITH moved AS (UPDATE orders SET organization_id = %s WHERE id = %s"
        " RETURNING id, organization_id)"
        " UPDATE order_timeline AS t SET organization_id = moved.organization_id"
        " FROM moved WHERE t.order_id = moved.id",
        other.organization_id,
        order_id,
    )
    server.execute(
        "UPDATE membership SET role = 'finance' WHERE organization_id = %s", other.organization_id
    )
    await panel_of(page, order_id)
    await expect(page.get_by_text("Owners, admins, and developers can choose")).to_be_visible()
    await expect(page.get_by_role("link", name="Choose what happens")).to_have_count(0)
    answer = await page.goto(f"/test/orders/{order_id}/refund")
    assert answer is not None
    assert answer.status == 403
    complaints_of(page)
