"""Signing in and out, and the pages for those who may not be here."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Audit, OpenPage
from tests.browser.server import Server

WRONG = "Incorrect email or password"


@pytest.fixture(autouse=True)
def no_tries(server: Server) -> None:
    """Wrong passwords of other tests count against the one address of all: 10 in 15 minutes."""
    server.execute("DELETE FROM account_tries")


async def test_a_wrong_password_gets_one_sentence(
    open_page: OpenPage, server: Server, audit_page: Audit
) -> None:
    page = await open_page(anonymous=True)
    for email in (server.credentials.owner_email, "nobody@acme.example"):
        await page.goto("/login?next=/test/orders/")
        await page.get_by_label("Email").fill(email)
        await page.get_by_label("Password", exact=True).fill("not the password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text(WRONG)
        await expect(page.get_by_label("Email")).to_have_value(email)
        await expect(page.locator("input[name=next]")).to_have_value("/test/orders/")
        await audit_page(page)


async def test_signing_in_leads_to_the_page_that_was_asked_for(
    open_page: OpenPage, server: Server
) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/test/orders/?status=completed")
    await page.get_by_label("Email").fill(server.credentials.owner_email.upper())
    await page.get_by_label("Password", exact=True).fill(server.credentials.owner_password)
    await page.get_by_role("button", name="Show password").click()
    await expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    await page.get_by_label("Password", exact=True).press("Enter")
    await page.wait_for_url("**/test/orders/?status=completed")
    await page.get_by_role("button", name="owner@acme.example").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/login")
    await page.goto("/test/")
    assert page.url.endswith("/login?next=/test/")


async def test_sign_in_works_without_scripts(open_page: OpenPage, server: Server) -> None:
    page = await open_page(anonymous=True, java_script_enabled=False)
    await page.goto("/login")
    await page.get_by_label("Email").fill(server.credentials.owner_email)
    await page.get_by_label("Password", exact=True).fill(server.credentials.owner_password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/test/")


async def test_the_pages_without_a_frame_hold_the_rules(
    open_page: OpenPage, sweep_page: Audit
) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/login")
    await sweep_page(page)
    await page.goto("/nothing-here")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    await sweep_page(page, allow=("404",))


async def test_signing_out_by_address_asks_first(open_page: OpenPage, audit_page: Audit) -> None:
    page = await open_page()
    await page.goto("/logout")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await audit_page(page)


async def test_staff_without_an_organization_are_told_so(
    open_page: OpenPage, server: Server, audit_page: Audit
) -> None:
    guest = server.organization("Guest Wallet", "guest@guest.example")
    server.execute("DELETE FROM membership WHERE organization_id = %s::uuid", guest.organization_id)
    page = await open_page(anonymous=True)
    headings = ((False, "You are not in an organization"), (True, "partners' dashboard"))
    for staff, heading in headings:
        server.execute(
            "UPDATE app_user SET is_staff = %s WHERE email = %s", staff, guest.owner_email
        )
        await page.goto("/login")
        await page.get_by_label("Email").fill(guest.owner_email)
        await page.get_by_label("Password", exact=True).fill(guest.owner_password)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        await audit_page(page, allow=("403",))
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/login")


async def test_a_role_that_does_not_include_a_page_is_told_so(
    open_page: OpenPage, server: Server, audit_page: Audit
) -> None:
    money = server.organization("Money Wallet", "money@money.example")
    server.execute(
        "UPDATE membership SET role = 'finance' WHERE organization_id = %s::uuid",
        money.organization_id,
    )
    page = await open_page(anonymous=True)
    await page.goto("/login?next=/test/webhooks/")
    await page.get_by_label("Email").fill(money.owner_email)
    await page.get_by_label("Password", exact=True).fill(money.owner_password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Access denied")
    await audit_page(page, allow=("403",))
    await page.goto("/test/")
    await expect(page.get_by_role("link", name="Webhooks")).to_have_count(0)


def test_too_many_tries_get_our_own_page(server: Server) -> None:
    # From an address of its own, so that the other tests may still sign in.
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=server.base_url, transport=transport) as client:
        page = client.get("/login").text
        form = {"login": "nobody@acme.example", "password": "wrong"}
        form["csrfmiddlewaretoken"] = page.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
        answers = [client.post("/login", data=form) for _ in range(31)]
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].text
    assert "Privata" in answers[-1].text


def test_methods_and_headers(server: Server) -> None:
    with httpx.Client(base_url=server.base_url) as client:
        assert client.post("/test/").status_code == 403  # no CSRF token
        assert client.get("/environment").status_code == 405
        answer = client.get("/login")
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"].startswith("max-age=0") or (
            answer.headers["Cache-Control"] == "no-store"
        )
