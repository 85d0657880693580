"""Webhook pages in a browser: adding an endpoint, watching deliveries, mending what failed."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from conftest import wait_for
from tests.browser.audit import (
    audit,
    complaints_of,
    new_context,
)
from tests.browser.conftest import Audit, OpenPage
from tests.browser.people import Sessions
from tests.browser.server import Server
from tests.browser.webhooks.receiver import (
    LIVE_MS,
    LOOKED_AT,
    Receiver,
    add_endpoint,
    add_failing,
    settled,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def failing(
    browser: Browser, server: Server, sessions: Sessions, receiver_process: Receiver
) -> str:
    """The address of an endpoint whose deliveries fail, for tests that only look."""
    session = await sessions.of(server.credentials)
    context = await new_context(browser, storage_state=session)
    await settled(receiver_process)
    address = await add_failing(await context.new_page(), server, receiver_process, LOOKED_AT)
    await context.close()
    return address


async def test_a_refused_url_is_named_at_its_field_and_nothing_is_lost(
    signed_in_page: Page, server: Server
) -> None:
    page = signed_in_page
    await page.goto(server.path("webhooks/new"))
    await page.get_by_label("Name", exact=True).fill("Order backend")
    await page.get_by_label("URL", exact=True).fill("https://10.0.0.1/hook")
    await page.get_by_text("Selected events").click()
    await page.get_by_label("order.completed").check()
    await page.get_by_role("button", name="Add endpoint").click()
    field = page.get_by_label("URL", exact=True)
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#id_url-error-1")).to_contain_text("could not reach")
    await expect(field).to_have_value("https://10.0.0.1/hook")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Order backend")
    await expect(page.get_by_label("order.completed")).to_be_checked()
    await audit(page, allow=("422",))


async def test_the_secret_is_shown_once(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    await page.goto(server.path("webhooks/new"))
    await page.get_by_label("Name", exact=True).fill("Shown once")
    await page.get_by_label("URL", exact=True).fill(receiver.hook)
    await page.get_by_role("button", name="Add endpoint").click()
    dialog = page.get_by_role("dialog", name="Your signing secret")
    secret = await dialog.locator("#secret-secret").inner_text()
    assert secret.startswith("whsec_test_")
    await expect(dialog.get_by_role("button", name="Done")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    await audit(page)
    created = page.url
    await page.goto(created)
    await expect(page).to_have_url(re.compile("/secret$"))
    assert secret not in await page.content()
    await expect(page.get_by_text(secret[:16])).to_be_visible()


async def test_deliveries_arrive_by_themselves(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Live")
    first = server.create_order()
    await page.goto(address)
    rows = page.locator("#log-table tbody tr")
    await expect(rows.filter(has_text="Delivered").first).to_be_visible(timeout=LIVE_MS)
    second = server.create_order()
    pill = page.locator(".newbar a")
    await expect(pill).to_contain_text("new row", timeout=LIVE_MS)
    assert await rows.filter(has_text=second[-8:]).count() == 0
    await pill.click()
    await expect(rows.filter(has_text=second[-8:]).first).to_be_visible(timeout=LIVE_MS)
    await page.get_by_label("Order, event or delivery ID").fill(first)
    await page.keyboard.press("Enter")
    await expect(rows.filter(has_text=second[-8:])).to_have_count(0)
    await expect(rows.filter(has_text=first[-8:]).first).to_be_visible()
    assert complaints_of(page) == []


async def test_the_drawer_opens_walks_and_gives_the_focus_back(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Drawer")
    server.create_order()
    await page.goto(f"{address}?type=order.waiting_deposit")
    server.create_order()
    rows = page.locator("tbody a[data-id]")

    async def two() -> bool:
        await page.goto(f"{address}?type=order.waiting_deposit")
        return await rows.count() == 2

    await wait_for(two, seconds=30)
    first, second = [await rows.nth(i).get_attribute("data-id") for i in (0, 1)]
    await rows.first.click()
    sheet = page.locator("#drawer article")
    await expect(sheet).to_have_attribute("data-id", str(first))
    await expect(page).to_have_url(re.compile(f"open={first}"))
    await page.keyboard.press("j")
    await expect(sheet).to_have_attribute("data-id", str(second))
    await page.keyboard.press("k")
    await expect(sheet).to_have_attribute("data-id", str(first))
    await page.keyboard.press("Escape")
    await expect(page.locator("#drawer")).to_be_hidden()
    await expect(rows.first).to_be_focused()
    await expect(page).not_to_have_url(re.compile("open="))
    await rows.last.click()
    await expect(sheet).to_be_visible()
    await page.go_back()
    await expect(page.locator("#drawer")).to_be_hidden()
    await expect(rows.last).to_be_focused()
    await page.goto(f"{address}?open={first}")
    await expect(sheet).to_have_attribute("data-id", str(first))
    assert complaints_of(page) == []


async def test_pause_then_resume_delivers_what_waited(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    await add_endpoint(page, server, receiver, "Paused")
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("link", name="Pause").click()
    await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Deliveries to this endpoint are paused")).to_be_visible()
    order = server.create_order()
    await expect(page.get_by_role("button", name="Resume and send")).to_be_visible(timeout=LIVE_MS)
    await page.reload()
    row = page.locator("tbody tr", has_text=order[-8:]).first
    await expect(row).to_contain_text("Held")
    await row.get_by_role("link").click()
    sheet = page.locator("#drawer article")
    await expect(sheet).to_contain_text("Resume the endpoint first.")
    await audit(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Resume and send").click()
    await expect(page.get_by_text("Deliveries to this endpoint are paused")).to_be_hidden()
    await expect(row).to_contain_text("Delivered", timeout=LIVE_MS)
    assert complaints_of(page) == []


async def test_a_failed_delivery_tells_why_and_is_retried(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    await add_failing(page, server, receiver, "Mended")
    await page.locator("tbody tr", has_text="Retrying").first.get_by_role("link").click()
    sheet = page.locator("#drawer article")
    await expect(sheet.locator(".notice")).to_contain_text("Your server returned 500")
    await expect(sheet.locator(".notice")).to_contain_text("Attempt 2 of 8 starts automatically")
    await sheet.get_by_role("tab", name="Signature").click()
    await expect(sheet.get_by_text("Build the signed content")).to_be_visible()
    text = await sheet.inner_text()
    assert "whsec_test_" in text
    receiver.behave("ok")
    await sheet.get_by_role("button", name="Retry now").click()
    await expect(sheet.locator(".notice")).to_contain_text("Retried as a new delivery")
    await expect(sheet.get_by_role("button", name="Retry now")).to_have_count(0)
    await expect(sheet.locator("#story .tl li")).to_have_count(1)
    new = sheet.locator("#story dl")
    await expect(new).to_contain_text("Retried as")
    await expect(new).to_contain_text("Delivered", timeout=LIVE_MS)
    assert complaints_of(page) == []


async def test_a_delivery_page_works_without_scripts(
    open_page: OpenPage, signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    await add_failing(signed_in_page, server, receiver, "No scripts")
    link = signed_in_page.locator("tbody tr", has_text="Retrying").first.get_by_role("link")
    address = await link.get_attribute("href")
    page = await open_page(java_script_enabled=False)
    await page.goto(f"{server.base_url}{address}")
    receiver.behave("ok")
    # Without scripts the button is a form: its answer must be there before the page is looked at
    # again, or the two navigations cut each other off.
    async with page.expect_navigation():
        await page.get_by_role("button", name="Retry now").click()
    made = page.url
    assert not made.endswith(str(address)), "a retry is a delivery of its own"
    await expect(page.get_by_text("Retry of")).to_be_visible()

    async def delivered() -> bool:
        await page.goto(made)
        return await page.get_by_text("Delivered on the first attempt").count() > 0

    await wait_for(delivered, seconds=30)


@pytest.mark.parametrize(
    "path", ["webhooks/", "webhooks/new", "webhooks/deliveries", "webhooks/deliveries?q=none"]
)
async def test_every_page_is_accessible_and_fits(
    signed_in_page: Page, server: Server, failing: str, sweep_page: Audit, path: str
) -> None:
    await signed_in_page.goto(server.path(path))
    await sweep_page(signed_in_page)


@pytest.mark.parametrize("tab", ["", "/settings", "/secret", "/pause"])
async def test_every_tab_is_accessible_and_fits(
    signed_in_page: Page, failing: str, sweep_page: Audit, tab: str
) -> None:
    await signed_in_page.goto(failing + tab)
    await sweep_page(signed_in_page)


async def test_the_drawer_is_accessible_and_fits(
    signed_in_page: Page, failing: str, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto(failing)
    await page.locator("tbody a[data-id]").first.click()
    await expect(page.locator("#drawer article")).to_be_visible()
    for name in ("Request", "Response", "Signature", "cURL"):
        await page.locator("#drawer").get_by_role("tab", name=name).click()
        await sweep_page(page)
    await page.get_by_role("link", name="Open as full page").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("order.")
    await sweep_page(page)


async def test_a_new_partner_finds_the_two_slots(browser: Browser, server: Server) -> None:
    other = server.organization("Borealis Pay", "slots@borealis.example")
    page = await sign_in(browser, server, other.owner_email, other.owner_password)
    await page.goto(server.path("webhooks/"))
    await expect(page.get_by_role("heading", name="Order URL")).to_be_visible()
    await expect(page.get_by_role("heading", name="Ops URL")).to_be_visible()
    await audit(page)
    await page.get_by_role("link", name="Add Ops URL").click()
    await expect(page.get_by_label("Operations")).to_be_checked()
    await page.goto(server.path("webhooks/deliveries"))
    await expect(page.get_by_text("No events yet")).to_be_visible()
    await audit(page)
    await page.context.close()


async def sign_in(browser: Browser, server: Server, email: str, password: str) -> Page:
    """A page of somebody else's session."""
    context = await new_context(browser)
    page = await context.new_page()
    await page.goto(f"{server.base_url}/login")
    await page.get_by_label("Email", exact=True).fill(email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/test/")
    return page


async def test_readers_change_nothing_and_strangers_see_nothing(
    browser: Browser, signed_in_page: Page, server: Server, failing: str
) -> None:
    address = failing
    await signed_in_page.goto(address)
    row = signed_in_page.locator("tbody tr a[data-id]").first
    delivery = f"{server.base_url}{await row.get_attribute('href')}"
    other = server.organization("Corvus Pay", "reader@corvus.example")
    page = await sign_in(browser, server, other.owner_email, other.owner_password)
    for path in (
        address,
        f"{address}/settings",
        f"{address}/secret",
        delivery,
        f"{delivery}/sheet",
    ):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 404, path
    server.execute(
        "UPDATE membership SET role = 'readonly', organization_id = %s WHERE organization_id = %s",
        server.credentials.organization_id,
        other.organization_id,
    )
    for path in (server.path("webhooks/"), address, f"{address}/settings", delivery):
        await page.goto(path)
        main = page.locator("main")
        for name in (
            "Add endpoint",
            "Pause",
            "Disable endpoint",
            "Save changes",
            "Retry now",
            "Retry",
        ):
            for role in ("button", "link"):
                found = main.get_by_role(role, name=name, exact=True)
                await expect(found).to_have_count(0)
    for path in (server.path("webhooks/new"), f"{address}/pause", f"{address}/disable"):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
    token = await page.locator('meta[name="csrf-token"]').get_attribute("content")
    for path in (f"{address}/pause", f"{address}/change", f"{delivery}/retry"):
        sent = await page.request.post(path, headers={"X-CSRFToken": str(token)}, form={"a": "b"})
        assert sent.status == 403, path
    await page.context.close()
