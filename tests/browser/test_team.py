"""The team in a browser: inviting, joining, roles, leaving; and a person's own settings."""

from __future__ import annotations

import httpx
from playwright.async_api import Page, expect

from tests.browser.conftest import Audit, OpenPage
from tests.browser.people import loner, sign_in
from tests.browser.server import Server


async def status_of(page: Page, path: str) -> int:
    """What the page at `path` is answered with."""
    answer = await page.goto(path)
    assert answer is not None
    return answer.status


async def _invite(page: Page, email: str, role: str) -> str:
    await page.goto("/test/team/")
    await page.get_by_role("link", name="Invite a member").click()
    await page.get_by_label("Work email").fill(email)
    await page.get_by_text(role, exact=True).click()
    await page.get_by_role("button", name="Send invitation").click()
    await page.wait_for_url("**/team/invitations/*")
    return await page.locator("#invitation-link").inner_text()


async def test_team_pages_hold_the_rules_everywhere(
    signed_in_page: Page, sweep_page: Audit, audit_page: Audit
) -> None:
    page = signed_in_page
    await _invite(page, "later@acme.example", "Finance")
    await audit_page(page)
    for path in (
        "team/",
        "team/roles",
        "team/invite",
        "settings/",
        "settings/tokens",
        "settings/tokens/new",
        "settings/notifications",
        "going-live",
    ):
        await page.goto(f"/test/{path}")
        await sweep_page(page)
    await page.goto("/test/team/")
    await page.locator("tbody a.rowlink").first.click()
    await sweep_page(page)


async def test_somebody_is_invited_joins_is_changed_and_removed(
    signed_in_page: Page, open_page: OpenPage, server: Server, audit_page: Audit
) -> None:
    owner = signed_in_page
    link = await _invite(owner, "dev@acme.example", "Developer")
    # The link is shown once.
    await owner.reload()
    await owner.wait_for_url("**/test/team/")
    await expect(owner.get_by_text("dev@acme.example").first).to_be_visible()

    guest = await open_page(anonymous=True)
    await guest.goto(link)
    await guest.wait_for_url(lambda url: "/login?next=" in url)
    await sign_in(guest, loner(server, "other@else.example"))
    await guest.goto(link)
    await expect(guest.get_by_text("This invitation is for dev@acme.example")).to_be_visible()
    await audit_page(guest)
    joiner = await open_page(anonymous=True)
    guest_of_none = loner(server, "dev@acme.example")
    await sign_in(joiner, guest_of_none)
    await joiner.goto(link)
    await audit_page(joiner)
    await joiner.get_by_role("button", name="Join Acme Wallet").click()
    await joiner.wait_for_url("**/test/")
    assert await status_of(joiner, "/test/audit/") == 403
    await joiner.goto(link)
    await expect(joiner.get_by_text("This invitation has already been used.")).to_be_visible()

    await owner.goto("/test/team/")
    await owner.get_by_role("link", name="dev@acme.example").click()
    await owner.get_by_text("Finance", exact=True).click()
    await owner.get_by_role("button", name="Change role").click()
    await expect(owner.get_by_text("Role changed to Finance")).to_be_visible()
    assert await status_of(joiner, "/test/audit/") == 200
    assert await status_of(joiner, "/test/webhooks/") == 403
    await owner.locator("[data-dialog=remove-dialog]").click()
    await owner.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await owner.wait_for_url("**/test/team/")
    # Who is removed is signed out everywhere; signing in again opens nothing of the organization.
    await joiner.goto("/test/")
    await expect(joiner.get_by_role("heading", name="Sign in to Privata")).to_be_visible()
    await sign_in(joiner, guest_of_none)
    await expect(joiner.get_by_role("heading", name="You are not in an")).to_be_visible()


async def test_the_last_owner_stays(open_page: OpenPage, server: Server, audit_page: Audit) -> None:
    page = await open_page(anonymous=True)
    await sign_in(page, server.organization("Sole Wallet", "sole@wallet.example"))
    await page.goto("/test/team/")
    await page.locator("tbody tr", has_text="You").get_by_role("link").click()
    await page.get_by_text("Admin", exact=True).click()
    await page.get_by_role("button", name="Change role").click()
    await expect(page.get_by_role("alert")).to_contain_text("Promote another member first")
    await audit_page(page, allow=("422",))


async def test_several_organizations_are_switched_between(
    open_page: OpenPage, server: Server, audit_page: Audit
) -> None:
    who = server.organization("First Wallet", "both@two.example")
    second = server.organization("Second Wallet", "unused@two.example")
    server.execute(
        "INSERT INTO membership (organization_id, user_id, role) SELECT %s::uuid, id, 'readonly'"
        " FROM app_user WHERE email = 'both@two.example'",
        second.organization_id,
    )
    page = await open_page(anonymous=True)
    await sign_in(page, who)
    await page.get_by_role("button", name="First Wallet").click()
    await audit_page(page)
    await page.get_by_role("button", name="Second Wallet").click()
    await expect(page.get_by_role("button", name="Second Wallet Partner")).to_be_visible()
    assert await status_of(page, "/test/team/invite") == 403


async def test_a_token_is_made_used_and_revoked(
    open_page: OpenPage, server: Server, audit_page: Audit
) -> None:
    page = await open_page(anonymous=True)
    await sign_in(page, server.organization("Report Wallet", "reports@wallet.example"))
    await page.goto("/test/settings/tokens")
    await page.get_by_role("link", name="New token").click()
    await page.get_by_label("Name").fill("Nightly report")
    await page.get_by_role("button", name="Create token").click()
    await page.wait_for_url("**/shown")
    token = await page.locator("#token-secret").inner_text()
    await audit_page(page)
    await page.get_by_label("I have copied this").check()
    await page.get_by_role("button", name="Done").click()
    await page.wait_for_url("**/settings/tokens")

    def answer() -> httpx.Response:
        url = f"{server.base_url}/dashboard/v1/me"
        return httpx.get(url, headers={"Authorization": f"Bearer {token}"})

    assert answer().json()["role"] == "owner"
    await page.reload()
    await expect(page.get_by_text("from 127.0.0.1")).to_be_visible()
    await page.get_by_role("button", name="Revoke Nightly report").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("No tokens yet")).to_be_visible()
    assert answer().status_code == 401


async def test_settings_are_saved(signed_in_page: Page, audit_page: Audit) -> None:
    page = signed_in_page
    await page.goto("/test/settings/")
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose the country")
    await audit_page(page, allow=("422",))
    await page.get_by_label("Legal name").fill("Acme Wallet Ltd")
    await page.get_by_label("Registered in").select_option("CH")
    await page.get_by_label("Business").select_option("wallet")
    await page.get_by_label("Website").fill("acme.example")
    contact = page.get_by_role("region", name="Technical contact")
    await contact.get_by_label("Name").fill("Ann Roe")
    await contact.get_by_label("Email").fill("dev@acme.example")
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.get_by_text("Changes saved")).to_be_visible()
    await page.goto("/test/settings/notifications")
    await page.get_by_label("Member joined").uncheck()
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.get_by_text("Changes saved")).to_be_visible()
    await expect(page.get_by_label("Member joined")).not_to_be_checked()
