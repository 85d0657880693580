"""People of the browser tests besides the owner: signing in by the form."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.audit import complaints_of
from tests.browser.server import Credentials, Server


async def sign_in(page: Page, who: Credentials) -> None:
    """Sign in, and wait for whatever page comes."""
    await page.goto("/login")
    await page.get_by_label("Email", exact=True).fill(who.owner_email)
    await page.get_by_label("Password", exact=True).fill(who.owner_password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "/login" not in url)
    complaints_of(page)  # without an organization the first page is a 403


def loner(server: Server, email: str) -> Credentials:
    """Somebody with an account and without an organization, as after signing up."""
    made = server.organization(f"Gone with {email}", email)
    server.execute("DELETE FROM membership WHERE organization_id = %s::uuid", made.organization_id)
    return made
