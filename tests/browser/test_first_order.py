"""From `/sign-up` to the first sandbox order, made with the key that was just shown."""

from __future__ import annotations

import re
import time

import httpx
import pytest
from playwright.async_api import Page, expect

from privata.accounts.factors.totp import code_at
from tests.browser.audit import complaints_of
from tests.browser.onboarding import company, jurisdictions, volume
from tests.browser.server import Server
from tests.browser.test_accounts import home, mailbox, page, sign_up, strict, with_authenticator
from tests.conftest import ADDRESSES
from tests.visitors import Mailbox

__all__ = ["home", "mailbox", "page", "strict"]  # fixtures

ADDRESS = "lea@first.example"


async def second_factors(page: Page) -> None:
    """An authenticator app, a recovery code typed back, and a passkey."""
    await page.goto("/account/security")
    await page.get_by_role("link", name="Set up an authenticator app").click()
    secret = await page.locator("[data-copy]").first.get_attribute("data-copy")
    assert secret is not None
    await page.get_by_label("6-digit code").fill(code_at(secret, int(time.time()) // 30))
    await page.wait_for_url("**/account/security/recovery")
    codes = await page.locator("#codes li").all_inner_texts()
    await page.get_by_label("Enter one of the codes").fill(codes[3])
    await page.get_by_role("button", name="I saved my codes").click()
    await expect(page.get_by_text("9 of 10 left")).to_be_visible()
    await page.get_by_role("link", name="Add a passkey").click()
    await page.get_by_label("Name", exact=True).fill("Lea's laptop")
    await page.get_by_role("button", name="Create passkey").click()
    await expect(page.get_by_text("Lea's laptop").first).to_be_visible()


async def onboarding(page: Page) -> str:
    """The four steps; the test key."""
    await page.goto("/test/")
    complaints_of(page)  # without an organization this page is a 403
    await page.get_by_role("link", name="Set up your company").click()
    await company(page, "First Wallet AG")
    await volume(page)
    await jurisdictions(page, "Switzerland")
    await page.wait_for_url("**/onboarding/contact")
    await page.get_by_label("Name", exact=True).fill("Lea First")
    await page.get_by_role("button", name="Finish").click()
    await page.wait_for_url("**/onboarding/done")
    key = await page.locator("#first-key").inner_text()
    await page.get_by_label("I have copied this key").check()
    await page.get_by_role("button", name="Go to the sandbox").click()
    await expect(page.get_by_role("heading", name="Welcome to Privata")).to_be_visible()
    return key


@pytest.mark.browser
async def test_from_sign_up_to_the_first_order(
    page: Page, strict: Server, mailbox: Mailbox
) -> None:
    await with_authenticator(page)
    await sign_up(page, mailbox, ADDRESS)
    await second_factors(page)
    key = await onboarding(page)
    assert re.fullmatch(r"pk_test_[0-9A-Za-z]{43}", key)
    url = f"{strict.base_url}/partner/v1"
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as api:
        quote = await api.get("/estimate", params={"from": "BTC", "to": "ETH", "amount": "0.1"})
        made = await api.post(
            "/order/create",
            params={"sandbox_scenario": "success", "sandbox_ttl": 1},
            json={"quote_id": quote.json()["quote_id"], "address": ADDRESSES["ETH"]},
        )
    assert made.status_code == 201, made.text
    order_id = made.json()["order_id"]
    await page.goto("/test/orders/")
    await page.get_by_role("link", name=re.compile("BTC")).first.click()
    await page.wait_for_url(f"**/test/orders/{order_id}**")
    await expect(page.get_by_text("Completed").first).to_be_visible(timeout=30_000)
    assert not complaints_of(page)
