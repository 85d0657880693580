"""From an account without a company to the sandbox, and the operator's review of it."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import Audit, OpenPage
from tests.browser.onboarding import company, jurisdictions, volume
from tests.browser.people import loner, sign_in, turn_on_two_factors
from tests.browser.server import Server


async def test_a_company_is_set_up_in_four_steps(
    open_page: OpenPage, server: Server, sweep_page: Audit, audit_page: Audit
) -> None:
    who = loner(server, "ann@bell.example")
    page = await open_page(anonymous=True)
    await sign_in(page, who)
    await page.get_by_role("link", name="Set up your company").click()
    await page.wait_for_url("**/onboarding/company")
    await sweep_page(page)
    await page.set_viewport_size({"width": 1440, "height": 900})
    # Nothing that was entered is lost by what is wrong with it.
    await page.get_by_label("Legal name").fill("Bell Wallet AG")
    await page.get_by_role("button", name="Save and continue").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose the country")
    await expect(page.get_by_label("Legal name")).to_have_value("Bell Wallet AG")
    await audit_page(page, allow=("422",))
    await company(page, "Bell Wallet AG")
    await audit_page(page)
    await volume(page)
    await sweep_page(page)
    await page.set_viewport_size({"width": 1440, "height": 900})
    # A new organization sees only onboarding, and comes back to where it was.
    await page.goto("/test/orders/")
    await page.wait_for_url("**/onboarding/jurisdictions")
    await page.get_by_role("link", name="Company").click()
    await expect(page.get_by_label("Website")).to_have_value("https://bell.example")
    await page.goto("/onboarding/contact")
    await page.wait_for_url("**/onboarding/jurisdictions")
    await jurisdictions(page, "Switzerland", "Germany")
    await page.wait_for_url("**/onboarding/contact")
    await page.get_by_label("Name", exact=True).fill("Ann Bell")
    await audit_page(page)
    await page.get_by_role("button", name="Finish").click()
    await page.wait_for_url("**/onboarding/done")
    key = await page.locator("#first-key").inner_text()
    assert re.fullmatch(r"pk_test_[0-9A-Za-z]{43}", key)
    await sweep_page(page)
    await page.get_by_label("I have copied this key").check()
    await page.get_by_role("button", name="Go to the sandbox").click()
    await expect(page.get_by_role("heading", name="Welcome to Privata")).to_be_visible()
    await page.goto("/onboarding/done")
    await page.wait_for_url("**/test/")
    await page.goto("/test/going-live")
    await expect(page.get_by_text("We are reviewing your information")).to_be_visible()
    await sweep_page(page)


async def test_a_high_risk_country_stops_it_and_the_operator_opens_it_again(
    open_page: OpenPage, server: Server, sweep_page: Audit, audit_page: Audit
) -> None:
    page = await open_page(anonymous=True, java_script_enabled=True)
    await sign_in(page, loner(server, "kim@risky.example"))
    await page.goto("/onboarding/")
    await company(page, "Risky Pay Ltd")
    await volume(page)
    await jurisdictions(page, "North Korea")
    await expect(page.get_by_role("heading", name="Please contact the operator")).to_be_visible()
    await sweep_page(page)
    await page.goto("/test/")
    await expect(page.get_by_role("heading", name="Please contact the operator")).to_be_visible()

    staff = server.organization("Staff", "staff@operator.example")
    server.execute("DELETE FROM membership WHERE organization_id = %s::uuid", staff.organization_id)
    server.execute("UPDATE app_user SET is_staff = true WHERE email = 'staff@operator.example'")
    console = await open_page(anonymous=True)
    await sign_in(console, staff)
    await console.get_by_role("link", name="Open the console").click()
    await expect(console.get_by_text("Set up two-factor sign-in first")).to_be_visible()
    await turn_on_two_factors(console)
    server.execute(
        "INSERT INTO secret_key_process (id, label, keys, clock_skew_ms)"
        " VALUES (gen_random_uuid(), 'worker on node-7 (process 4711)', '{}', -61234)"
    )
    await console.goto("/console/organizations")
    await expect(console.get_by_role("heading", name="Organizations")).to_be_visible()
    notice = console.get_by_text("The clock of worker on node-7 (process 4711) is 61.2 s behind")
    await expect(notice).to_be_visible()
    await expect(console.get_by_role("table", name="Running processes")).to_contain_text("run on")
    await sweep_page(console)
    await console.set_viewport_size({"width": 1440, "height": 900})
    await console.goto("/console/organizations?status=needs_contact")
    await console.get_by_role("link", name="Risky Pay Ltd").click()
    await expect(console.get_by_text("Users in North Korea")).to_be_visible()
    await sweep_page(console)
    await console.set_viewport_size({"width": 1440, "height": 900})
    await console.get_by_role("button", name="Reject").click()
    await expect(console.get_by_text("Enter a reason. The partner sees it.")).to_be_visible()
    await audit_page(console, allow=("422",))
    await console.get_by_role("button", name="Reopen onboarding").click()
    await expect(console.get_by_text("Onboarding reopened")).to_be_visible()
    await page.goto("/test/")
    await page.wait_for_url("**/onboarding/contact")


async def test_the_console_does_not_exist_for_partners(signed_in_page: Page) -> None:
    answer = await signed_in_page.goto("/console/organizations")
    assert answer is not None
    assert answer.status == 404
